package main

import (
	"fmt"
	"slices"
	"testing"
)

// A gauge is what is measured at each quiet point of a soak, and how much it may grow.
type gauge struct {
	name string
	// growth is how much more the last fifth may have than the second, and why that is no leak: see soakGauges.
	growth float64
	values []float64
}

// fewestPoints is how many quiet points there must be: one in each fifth.
const fewestPoints = 5

// fifths are the medians of the second fifth of a series and of the last. The first fifth warms up: caches fill, the runtime
// takes memory and threads. A median passes over single points that a garbage collection or a compaction has moved.
func (g *gauge) fifths() (early, late float64) {
	n := len(g.values)
	return median(g.values[n/5 : 2*n/5]), median(g.values[n-n/5:])
}

// leaks says by how much the series has grown, if that is more than it may.
func (g *gauge) leaks() error {
	if len(g.values) < fewestPoints {
		return fmt.Errorf("%s: %d quiet points are too few to judge, %d is the least", g.name, len(g.values), fewestPoints)
	}
	if early, late := g.fifths(); late-early > g.growth {
		return fmt.Errorf("%s: %.1f in the second fifth of the time and %.1f in the last: may grow by %.1f", g.name, early, late, g.growth)
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// A criterion that passes whatever happens would prove nothing.
func TestALeakIsSeen(t *testing.T) {
	const points = 60
	for name, test := range map[string]struct {
		growth float64
		at     func(n int) float64
		leaks  bool
	}{
		"level": {0, func(int) float64 { return 50 }, false},
		// One goroutine or descriptor is left behind at every fifth quiet point.
		"one left behind now and then": {5, func(n int) float64 { return float64(50 + n/5) }, true},
		"one left behind in an hour":   {5, func(n int) float64 { return float64(50 + n/40) }, false},
		// The memory of a process goes up and down by more than leaks away between two points.
		"a leak below noise":         {8, func(n int) float64 { return 60 + float64(n)/4 + float64(n*7%11) }, true},
		"noise":                      {8, func(n int) float64 { return 60 + float64(n*7%11) }, false},
		"a few high points":          {8, func(n int) float64 { return map[bool]float64{true: 200, false: 60}[n%9 == 0] }, false},
		"it warms up and stays":      {8, func(n int) float64 { return min(float64(10*n), 90) }, false},
		"it warms up and goes on":    {8, func(n int) float64 { return min(float64(10*n), 90) + float64(n)/4 }, true},
		"a step in the middle":       {8, func(n int) float64 { return map[bool]float64{true: 75, false: 60}[n > points/2] }, true},
		"less and less":              {0, func(n int) float64 { return 100 - float64(n) }, false},
		"segments come and go":       {16, func(n int) float64 { return 60 + float64(n%8) }, false},
		"segments are not deleted":   {16, func(n int) float64 { return 60 + float64(n)*0.6 }, true},
		"a leak that began too late": {8, func(n int) float64 { return 60 + max(0, float64(n-points*4/5)*2) }, true},
	} {
		g := gauge{name: name, growth: test.growth}
		for n := range points {
			g.values = append(g.values, test.at(n))
		}
		if err := g.leaks(); (err != nil) != test.leaks {
			t.Errorf("%s: %v", name, err)
		}
	}
	few := gauge{name: "few", growth: 1000, values: make([]float64, fewestPoints-1)}
	if few.leaks() == nil {
		t.Error("too few points are judged")
	}
}
