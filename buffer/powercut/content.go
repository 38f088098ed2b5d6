package powercut

import "maps"

// block is how many bytes are allocated at a time.
const block = 4096

type page = [block]byte

// content is what a file holds. A page that is stored is never changed, so that a copy shares it.
type content struct {
	size  int64
	pages map[int64]*page
}

func (c *content) clone() content { return content{c.size, maps.Clone(c.pages)} }

// read fills b from off and gives how many bytes there were. Holes are zeros.
func (c *content) read(b []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	b = b[:min(int64(len(b)), c.size-off)]
	clear(b)
	for done := 0; done < len(b); {
		n, in := (off+int64(done))/block, int((off+int64(done))%block)
		step := min(len(b)-done, block-in)
		if p := c.pages[n]; p != nil {
			copy(b[done:done+step], p[in:])
		}
		done += step
	}
	return len(b)
}

// write stores b at off, whatever the size is.
func (c *content) write(b []byte, off int64) {
	if c.pages == nil {
		c.pages = map[int64]*page{}
	}
	for len(b) > 0 {
		n, in := off/block, int(off%block)
		fresh := new(page)
		if old := c.pages[n]; old != nil {
			*fresh = *old
		}
		step := copy(fresh[in:], b)
		c.pages[n] = fresh
		b, off = b[step:], off+int64(step)
	}
}

// cut forgets what lies behind size.
func (c *content) cut(size int64) {
	for n, p := range c.pages {
		switch start := n * block; {
		case start >= size:
			delete(c.pages, n)
		case start+block > size:
			short := *p
			clear(short[size-start:])
			c.pages[n] = &short
		}
	}
}

// allocates says whether a write of so many bytes needs room that the file does not have yet.
func (c *content) allocates(n int, off int64) bool {
	for p := off / block; p*block < off+int64(n); p++ {
		if c.pages[p] == nil {
			return true
		}
	}
	return false
}
