//go:build !linux

package intake

import "time"

// bootID is empty: this system has no id for a boot that could be read without further libraries.
func bootID() string { return "" }

func sinceBoot() time.Duration { return 0 }
