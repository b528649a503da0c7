PROGS += yoke

# the status as text, without yoked; also linked by test_status_text
STATUS_TEXT_SRC := \
	daemons/yoke/lines.c \
	daemons/yoke/status_doc.c \
	daemons/yoke/status_service.c \
	daemons/yoke/status_text.c \
	watch/status_get.c

# a new pair's files; also linked by test_init
INIT_SRC := \
	daemons/yoke/init_plan.c \
	daemons/yoke/init_text.c \
	daemons/yoke/init_write.c

# other programs' configurations as ours; also linked by test_import
IMPORT_SRC := \
	daemons/yoke/import_check.c \
	daemons/yoke/import_file.c \
	daemons/yoke/import_keepalived.c \
	daemons/yoke/import_keepalived_check.c \
	daemons/yoke/import_keepalived_service.c \
	daemons/yoke/import_ldirectord.c \
	daemons/yoke/import_model.c \
	daemons/yoke/import_print.c \
	daemons/yoke/import_read.c \
	daemons/yoke/import_tree.c

# the live view without a terminal
TOP_SRC := \
	daemons/yoke/top_draw.c \
	daemons/yoke/top_events.c \
	daemons/yoke/top_screen.c

yoke_PKG = jansson libssl ncursesw $(STORE_PKG)
yoke_SRC = \
	daemons/yoke/ask.c \
	daemons/yoke/cmd_batch.c \
	daemons/yoke/cmd_check.c \
	daemons/yoke/cmd_checkpoint.c \
	daemons/yoke/cmd_checkpoint_show.c \
	daemons/yoke/cmd_export.c \
	daemons/yoke/cmd_import.c \
	daemons/yoke/checkpoint_doc.c \
	daemons/yoke/checkpoint_where.c \
	daemons/yoke/cmd_convert.c \
	daemons/yoke/cmd_drill.c \
	daemons/yoke/cmd_init.c \
	daemons/yoke/cmd_maintenance.c \
	daemons/yoke/cmd_order.c \
	daemons/yoke/cmd_replay.c \
	daemons/yoke/cmd_status.c \
	daemons/yoke/cmd_watch.c \
	daemons/yoke/grammar.c \
	daemons/yoke/init_arp.c \
	daemons/yoke/init_check.c \
	daemons/yoke/init_facts.c \
	daemons/yoke/init_http.c \
	daemons/yoke/init_ping.c \
	daemons/yoke/init_status.c \
	daemons/yoke/main.c \
	daemons/yoke/cmd_top.c \
	$(filter-out $(STATUS_TEXT_SRC),$(TOP_SRC) $(WATCH_SRC)) \
	$(IMPORT_SRC) \
	$(INIT_SRC) \
	$(STATUS_TEXT_SRC) \
	$(STORE_SRC)
yoke_LDLIBS := -lm
