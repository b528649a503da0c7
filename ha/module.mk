HA_SRC +=
