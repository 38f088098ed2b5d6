package buffer

// Corrected says whether this binary was built with the corrections of the store.
func Corrected() bool { return corrected }
