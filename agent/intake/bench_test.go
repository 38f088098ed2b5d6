package intake

import (
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkTake is what the intake adds to the time that the journal needs.
func BenchmarkTake(b *testing.B) {
	begin := time.Now()
	b.Run("different cards", func(b *testing.B) {
		in := overJournal(b, void{}, gates(3*time.Second)...)
		b.ReportAllocs()
		n := uint64(0)
		for b.Loop() {
			n++
			if err := in.Take(b.Context(), at(pass("gate-1", n), begin.Add(time.Duration(n)*100*time.Millisecond))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("repetitions", func(b *testing.B) {
		in := overJournal(b, void{}, gates(3*time.Second)...)
		b.ReportAllocs()
		for b.Loop() {
			if err := in.Take(b.Context(), at(pass("gate-1", pupilsCard), begin)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("many goroutines", func(b *testing.B) {
		in := overJournal(b, void{}, gates(3*time.Second)...)
		b.ReportAllocs()
		var n atomic.Uint64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := n.Add(1)
				if err := in.Take(b.Context(), at(pass("gate-1", i), begin.Add(time.Duration(i)*100*time.Millisecond))); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
