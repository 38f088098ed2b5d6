//go:build badgerfix

package buffer

// corrected says that this binary was built with the corrections of scripts/badgerfix.
const corrected = true
