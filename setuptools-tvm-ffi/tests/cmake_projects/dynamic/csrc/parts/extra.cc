#error "the option WITH_EXTRA is off"
