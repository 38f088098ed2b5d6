package metrics

import (
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

// Process is what the process knows of itself. What the system does not tell is zero.
type Process struct {
	// CPU is the time for which processors worked for it.
	CPU time.Duration
	// OpenFiles counts the files, sockets and devices that are open, MaxFiles is how many may be.
	OpenFiles, MaxFiles uint64
	Goroutines          int
	// Heap is what the objects of the program occupy, Mapped all that the runtime has from the system; bytes.
	Heap, Mapped uint64
	// Collections counts the runs of the garbage collector, for which the program stood still for Paused in all.
	Collections int64
	Paused      time.Duration
}

// ThisProcess asks the system and the runtime. It does not stop the program.
func ThisProcess() Process {
	p := Process{Goroutines: runtime.NumGoroutine()}
	p.askSystem()
	sizes := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	runtimemetrics.Read(sizes)
	for i, into := range []*uint64{&p.Heap, &p.Mapped} {
		if sizes[i].Value.Kind() == runtimemetrics.KindUint64 {
			*into = sizes[i].Value.Uint64()
		}
	}
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	p.Collections, p.Paused = gc.NumGC, gc.PauseTotal
	return p
}

// machineFamilies are named as Prometheus' own libraries name them, so that the dashboards for all programs show them.
func machineFamilies() []Family {
	// known adds what is not zero: zero is what systems that do not tell give.
	known := func(name string, t Type, help string, value func(*snapshot) float64) Family {
		return Family{name, t, nil, help, func(s *snapshot, add sampler) {
			if v := value(s); v > 0 {
				add("", v)
			}
		}}
	}
	return []Family{
		known("acs_agent_host_memory_bytes", Gauge, "Main memory of the device.",
			func(s *snapshot) float64 { return float64(s.Host.MemoryTotal) }),
		known("acs_agent_host_memory_available_bytes", Gauge, "Main memory that programs could still have.",
			func(s *snapshot) float64 { return float64(s.Host.MemoryAvailable) }),
		{
			"acs_agent_host_temperature_celsius", Gauge, nil, "Temperature of the hottest sensor of the device.",
			func(s *snapshot, add sampler) { present(s.Host.Temperature, add) },
		},
		{
			"acs_agent_host_load1", Gauge, nil, "Processes that ran or waited for a processor, on average over the last minute.",
			func(s *snapshot, add sampler) { present(s.Host.Load, add) },
		},
		known("acs_agent_host_uptime_seconds", Gauge, "How long the device has been switched on.",
			func(s *snapshot) float64 { return float64(s.Host.Uptime) }),
		{
			"process_start_time_seconds", Gauge, nil, "When the agent was started.",
			func(s *snapshot, add sampler) { s.moment(s.StartedAt, add) },
		},
		known("process_cpu_seconds_total", Counter, "Time for which processors worked for the agent.",
			func(s *snapshot) float64 { return s.process.CPU.Seconds() }),
		known("process_resident_memory_bytes", Gauge, "Main memory that the agent has.",
			func(s *snapshot) float64 { return float64(s.Host.Resident) }),
		known("process_open_fds", Gauge, "Files, sockets and devices that the agent has open.",
			func(s *snapshot) float64 { return float64(s.process.OpenFiles) }),
		known("process_max_fds", Gauge, "How many the agent may have open.",
			func(s *snapshot) float64 { return float64(s.process.MaxFiles) }),
		known("go_goroutines", Gauge, "Goroutines of the agent.",
			func(s *snapshot) float64 { return float64(s.process.Goroutines) }),
		known("go_memstats_heap_alloc_bytes", Gauge, "What the objects of the program occupy.",
			func(s *snapshot) float64 { return float64(s.process.Heap) }),
		known("go_memstats_sys_bytes", Gauge, "Memory that the runtime has from the system, in use or not.",
			func(s *snapshot) float64 { return float64(s.process.Mapped) }),
		{
			"go_gc_duration_seconds", Summary, nil, "Pauses for the garbage collector.",
			func(s *snapshot, add sampler) {
				add("_sum", s.process.Paused.Seconds())
				add("_count", float64(s.process.Collections))
			},
		},
	}
}

func present(v *float64, add sampler) {
	if v != nil {
		add("", *v)
	}
}
