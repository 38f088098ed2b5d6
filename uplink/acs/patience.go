package acs

import (
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

// LongestSilence implements uplink.Patient.
func (a *acs) LongestSilence() time.Duration {
	courier := uplink.Courier{
		MaxSize: int64(a.MaxBatch), MaxDelay: a.MaxDelay.Std(), Patience: a.RetryMax.Std(), Probe: a.config.Probe.Std(),
	}
	return courier.LongestSilence()
}
