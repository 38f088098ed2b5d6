package buffer

import (
	"sync/atomic"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// processBegan is what the row's clock counts from.
var processBegan = time.Now()

// A rowClock goes on from the newest pass of this run, by the time that has passed and not by the system's clock, which may be set
// to anything at any moment.
type rowClock struct {
	offset atomic.Int64 // nanoseconds from processBegan's to the pass's time scale; 0: its clock was not trusted, or there is no pass
}

func (c *rowClock) set(at event.Instant) {
	if at.Trusted {
		c.offset.Store(at.Wall.UnixNano() - int64(time.Since(processBegan)))
		return
	}
	c.offset.Store(0)
}

func (c *rowClock) now() (now time.Time, trusted bool) {
	offset := c.offset.Load()
	return time.Unix(0, offset).Add(time.Since(processBegan)), offset != 0
}
