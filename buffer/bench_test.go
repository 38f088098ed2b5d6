package buffer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// BenchmarkAppend compares with what the disk can do: one small write and one sync into a file whose blocks are there already.
// Run both together, the figures of a disk are worth nothing alone:
//
//	go test -run '^$' -bench 'Append|Disk' -count 3 ./buffer
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			j := open(b, testOptions(b))
			start := j.Stats().Commits
			var wg sync.WaitGroup
			var n atomic.Int64
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for n.Add(1) <= int64(b.N) {
						if _, err := j.Append(context.Background(), testPass(1)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(j.Stats().Commits-start)/float64(b.N), "syncs/op")
		})
	}
}

func BenchmarkDisk(b *testing.B) {
	const size = 8 << 20
	f, err := os.Create(filepath.Join(b.TempDir(), "reference"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(make([]byte, size)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	record := make([]byte, 300)
	at := int64(0)
	for b.Loop() {
		if _, err := f.WriteAt(record, at); err != nil {
			b.Fatal(err)
		}
		if err := dataSync(f); err != nil {
			b.Fatal(err)
		}
		at = (at + int64(len(record))) % (size - int64(len(record)))
	}
}

func BenchmarkScan(b *testing.B) {
	j := open(b, testOptions(b, "visits"))
	const passes = 50_000
	fillUp(b, j, 1, passes)
	s := j.Source("visits")
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		n := 0
		err := s.Scan(b.Context(), 0, passes, func(uint64, *event.Pass) bool { n++; return true })
		if err != nil || n != passes {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(passes*b.N)/b.Elapsed().Seconds(), "passes/s")
}
