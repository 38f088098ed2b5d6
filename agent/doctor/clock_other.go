//go:build !linux

package doctor

// kernelSynchronised is not known here.
func kernelSynchronised() (yes, known bool) { return false, false }

// timeHelper is not known here.
func timeHelper(string) string { return "" }

// battery is not asked for: computers of this kind have one.
func (c *Clocks) battery(*Sheet) {}
