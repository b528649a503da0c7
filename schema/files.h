/*
 * files: names of local files that more than one program knows.
 */
#ifndef SCHEMA_FILES_H
#define SCHEMA_FILES_H

#define YOKE_STATE_DIR "/var/lib/yoke"

/* printf format, of the instance. It exists: this director is to be out of
 * service. `yoke maintenance` makes and removes it, yoked looks for it when it
 * starts, so that yoked itself never waits for a disk. */
#define YOKE_MAINTENANCE_FILE YOKE_STATE_DIR "/%s.maintenance"

#endif
