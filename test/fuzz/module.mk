# What once was interesting to the fuzzer is played again by check; `make fuzz`
# looks for more, with clang's libFuzzer.
FUZZ_SRC = \
	test/fuzz/targets.c \
	$(MONITOR_SRC)

UNIT += test_fuzz
test_fuzz_SRC = \
	test/fuzz/test_fuzz.c \
	$(FUZZ_SRC)
test_fuzz_PKG = $(MONITOR_PKG)
test_fuzz_LDLIBS := -lm

ifneq ($(findstring fuzzer,$(SAN)),)
TESTPROGS += fuzz
fuzz_SRC = \
	test/fuzz/fuzz_main.c \
	$(FUZZ_SRC)
fuzz_PKG = $(MONITOR_PKG)
fuzz_LDLIBS := -lm -fsanitize=fuzzer
endif
