package main

import (
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/ironlogic"
	"github.com/acs-agent/acs-agent/drivers/line"
	"github.com/acs-agent/acs-agent/drivers/mqtt"
	"github.com/acs-agent/acs-agent/drivers/rdm6300"
	"github.com/acs-agent/acs-agent/drivers/simulator"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/acs"
	"github.com/acs-agent/acs-agent/uplink/callback"
	"github.com/acs-agent/acs-agent/uplink/exam"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
	"github.com/acs-agent/acs-agent/uplink/reestro"
)

// driverModules are the types of readers that this agent can read.
func driverModules() []drivers.Module {
	return []drivers.Module{
		ironlogic.Module,
		line.Module,
		mqtt.Module,
		rdm6300.Module,
		simulator.Module,
	}
}

// uplinkModules are the types of portals that this agent can report to.
func uplinkModules() []uplink.Module {
	return []uplink.Module{
		acs.Module,
		callback.Module,
		exam.Module,
		heartbeat.Module,
		reestro.Module,
	}
}
