package buffer

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// storeOptions set the store up for a small box: little memory, everything in the tree and nothing in the value log, every
// transaction synced, no compression because sealed values do not compress.
func storeOptions(dir string, log storeLog) badger.Options {
	o := badger.DefaultOptions(dir)
	o.SyncWrites = true
	o.MemTableSize = memTable
	o.BaseTableSize = 512 << 10
	o.BaseLevelSize = 1 << 30 // not below the size limit of a small box: tables go to the last level at once
	o.NumMemtables = 2
	o.NumLevelZeroTables, o.NumLevelZeroTablesStall = 4, 10
	o.NumCompactors = 2
	o.ValueThreshold = 130 << 10 // above every value, and below 15 % of the memory table, which the store demands
	o.ValueLogFileSize = 1 << 20
	o.Compression = options.None
	o.BlockSize = 16 << 10
	o.BlockCacheSize = 256 << 10
	o.IndexCacheSize = 0
	o.DetectConflicts = false // there is one writer
	o.MetricsEnabled = false
	o.NumVersionsToKeep = 1
	o.NumGoroutines = 1
	o.CompactL0OnClose = false
	o.LmaxCompaction = false
	o.ChecksumVerificationMode = options.OnBlockRead // checking whole tables at the start ends in a panic when one is damaged
	o.Logger = log
	return o
}

// storeLog takes what the store has to say: its warnings and errors are counted and go to the log, the rest is for debugging.
type storeLog struct {
	log      *slog.Logger
	troubles *atomic.Uint64
	// unsound is told that a block of a table cannot be read.
	unsound func(error)
}

func (l storeLog) Errorf(format string, args ...any) {
	l.troubles.Add(1)
	if format == unsoundFormat && len(args) == 1 {
		if err, ok := args[0].(error); ok {
			l.unsound(err)
			return
		}
	}
	l.log.Error("store error", "detail", text(format, args))
}

func (l storeLog) Warningf(format string, args ...any) {
	l.troubles.Add(1)
	l.log.Warn("store warning", "detail", text(format, args))
}

func (l storeLog) Infof(string, ...any)  {}
func (l storeLog) Debugf(string, ...any) {}

func text(format string, args []any) string { return strings.TrimSpace(fmt.Sprintf(format, args...)) }
