// Package powercut is a disk for tests that can lose its power at any instant. It is mounted as a file system (see Mount), a
// process works on it, the disk is cut, and what has survived is another disk to start again from.
//
// What survives follows ext4 with data=ordered and delayed allocation, taken at its worst:
//
//   - Data: what was written to a file before its last completed fsync (or msync) is there. Of later writes each sector is there
//     or not, in any order; of several later writes to one sector any is the last that is there. A sector is never garbage.
//   - Names and sizes: making, removing and renaming files and changing their size are entries of one journal, in order. A cut
//     keeps a beginning of it. An fsync of a file or folder that has entries of its own in it, or that was given blocks since,
//     makes everything in the journal durable; an fsync of another file makes its data durable and no more.
//   - A file may be longer than what was written to it: what is not there are zeros.
//   - What was in the memory of the kernel is gone: the next disk is mounted anew.
//
// It does not lie: what it has called durable stays, and a sector that is written again is the old one or the new one. Faults
// makes it lie, for tests of the tests.
package powercut

import (
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Root is the number of the uppermost folder.
const Root = 1

// A Kind is what a request changes.
type Kind string

// The requests that change something, or make a change durable.
const (
	Write  Kind = "write"
	Sync   Kind = "sync"
	Make   Kind = "make"
	Remove Kind = "remove"
	Rename Kind = "rename"
	Resize Kind = "resize"
	// Read changes nothing, and is only asked about by Fail. What the kernel remembers it does not ask for.
	Read Kind = "read"
)

// An Op is a request as the one sees it who decides about the cut.
type Op struct {
	Kind Kind
	Name string // of the file or folder, without those above it
}

// A Verdict is what becomes of a request.
type Verdict int

// A request is carried out, or the power fails before it, or after it and before it is answered.
const (
	GoOn Verdict = iota
	CutBefore
	CutAfter
)

// Faults are lies of a disk.
type Faults struct {
	// DeafTo says of which files an fsync is answered without anything being made durable; nil: none.
	DeafTo func(name string) bool
}

// A Disk keeps files in memory, and apart from that what of them is durable.
type Disk struct {
	faults Faults

	mu      sync.Mutex
	nodes   map[uint64]*node
	next    uint64
	journal []change
	epoch   int // how often the journal was made durable
	decide  func(Op) Verdict
	fail    func(Op) syscall.Errno
	last    Op
	lost    int

	dead              chan struct{} // closed by the cut
	released          chan struct{} // closed when whoever waits may go
	cutOnce, freeOnce sync.Once
}

// node is a file or a folder.
type node struct {
	id    uint64
	name  string
	mode  uint32
	made  time.Time
	live  state
	disk  state
	later []write // to the data, since its last fsync
	// touched is the epoch in which it last had an entry in the journal, or was given blocks.
	touched int
}

type state struct {
	content
	names map[string]uint64 // of a folder
}

func (n *node) folder() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

// write is a piece of data that is not durable, or, without data, that the file was cut to the size off.
type write struct {
	off  int64
	data []byte
}

// change is an entry of the journal.
type change struct {
	kind   Kind
	folder *node
	name   string
	node   *node // what is made, or resized
	size   int64
	// shrinks: the file was cut to this size, and a write without data says where among its writes.
	shrinks bool
	to      *node // the folder into which it is renamed
	toName  string
}

// never is before any entry in the journal.
const never = -1 << 31

// NewDisk makes an empty disk.
func NewDisk(f Faults) *Disk {
	return &Disk{
		faults: f, next: Root, dead: make(chan struct{}), released: make(chan struct{}),
		nodes: map[uint64]*node{Root: {
			id: Root, mode: syscall.S_IFDIR | 0o755, made: time.Now(), touched: never,
			live: state{names: map[string]uint64{}}, disk: state{names: map[string]uint64{}},
		}},
	}
}

// Decide has f asked about each request that changes something, one at a time. It must not call the disk.
func (d *Disk) Decide(f func(Op) Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decide = f
}

// Fail has f asked about each request from now on: with an errno other than 0 it is refused, and changes nothing. Nil lets
// everything succeed again. f must not call the disk.
func (d *Disk) Fail(f func(Op) syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = f
}

func (d *Disk) fails(op Op) syscall.Errno {
	if d.fail == nil {
		return 0
	}
	return d.fail(op)
}

// Cut takes the power away now.
func (d *Disk) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut()
}

func (d *Disk) cut() { d.cutOnce.Do(func() { close(d.dead) }) }

// Dead gives a channel that is closed at the cut. From then on no request is answered.
func (d *Disk) Dead() <-chan struct{} { return d.dead }

// Release lets go whoever waits for a disk that is dead, with an error: after the process was told to die, so that it can.
func (d *Disk) Release() { d.freeOnce.Do(func() { close(d.released) }) }

// Last is the newest request that was to change something: at the cut, the one under way.
func (d *Disk) Last() Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// change carries a request out, unless the power has failed or fails now.
func (d *Disk) change(kind Kind, name func() string, do func() syscall.Errno) syscall.Errno {
	d.mu.Lock()
	if d.isDead() {
		d.mu.Unlock()
		return d.wait()
	}
	d.last = Op{kind, name()}
	verdict := GoOn
	if d.decide != nil {
		verdict = d.decide(d.last)
	}
	errno := d.fails(d.last)
	if verdict != CutBefore && errno == 0 {
		errno = do()
	}
	if verdict != GoOn {
		d.cut()
	}
	d.mu.Unlock()
	if verdict != GoOn {
		return d.wait()
	}
	return errno
}

// look carries a request out that changes nothing.
func (d *Disk) look(do func() syscall.Errno) syscall.Errno {
	d.mu.Lock()
	if d.isDead() {
		d.mu.Unlock()
		return d.wait()
	}
	defer d.mu.Unlock()
	return do()
}

func (d *Disk) isDead() bool {
	select {
	case <-d.dead:
		return true
	default:
		return false
	}
}

func (d *Disk) wait() syscall.Errno {
	<-d.released
	return syscall.EIO
}

// log adds an entry to the journal.
func (d *Disk) log(c change) {
	for _, n := range []*node{c.folder, c.node, c.to} {
		if n != nil {
			n.touched = d.epoch
		}
	}
	d.journal = append(d.journal, c)
}

// mknode makes a file or folder.
func (d *Disk) mknode(folder *node, name string, mode uint32) *node {
	d.next++
	n := &node{id: d.next, name: name, mode: mode, made: time.Now(), touched: never}
	if n.folder() {
		n.live.names, n.disk.names = map[string]uint64{}, map[string]uint64{}
	}
	d.nodes[n.id] = n
	folder.live.names[name] = n.id
	d.log(change{kind: Make, folder: folder, name: name, node: n})
	return n
}

func (d *Disk) write(n *node, data []byte, off int64) {
	if n.live.allocates(len(data), off) {
		n.touched = d.epoch
	}
	n.live.write(data, off)
	n.later = append(n.later, write{off, slices.Clone(data)})
	if end := off + int64(len(data)); end > n.live.size {
		n.live.size = end
		d.log(change{kind: Resize, node: n, size: end})
	}
}

func (d *Disk) resize(n *node, size int64) {
	shrinks := size < n.live.size
	if shrinks {
		n.live.cut(size)
		n.later = append(n.later, write{off: size})
	}
	n.live.size = size
	d.log(change{kind: Resize, node: n, size: size, shrinks: shrinks})
}

func (d *Disk) remove(folder *node, name string) {
	delete(folder.live.names, name)
	d.log(change{kind: Remove, folder: folder, name: name})
}

func (d *Disk) rename(folder *node, name string, to *node, toName string) {
	id := folder.live.names[name]
	delete(folder.live.names, name)
	to.live.names[toName] = id
	d.nodes[id].name = toName
	d.log(change{kind: Rename, folder: folder, name: name, to: to, toName: toName})
}

// sync makes a file or folder durable.
func (d *Disk) sync(n *node) {
	if d.faults.DeafTo != nil && d.faults.DeafTo(n.name) {
		return
	}
	if n.touched == d.epoch {
		d.commit(len(d.journal))
		d.epoch++
	}
	for _, w := range n.later {
		if w.data != nil {
			n.disk.write(w.data, w.off)
		}
	}
	n.later = nil
}

// commit makes the first entries of the journal durable.
func (d *Disk) commit(entries int) {
	for _, c := range d.journal[:entries] {
		switch c.kind {
		case Make:
			c.folder.disk.names[c.name] = c.node.id
		case Remove:
			delete(c.folder.disk.names, c.name)
		case Rename:
			c.to.disk.names[c.toName] = c.folder.disk.names[c.name]
			delete(c.folder.disk.names, c.name)
		case Resize:
			c.node.commitSize(c.size, c.shrinks)
		case Write, Sync, Read: // stand in no journal
		}
	}
	d.journal = slices.Clone(d.journal[entries:])
}

func (n *node) commitSize(size int64, shrinks bool) {
	n.disk.size = size
	if !shrinks {
		return
	}
	n.disk.cut(size)
	// Writes from before do not reach behind it any more.
	var kept []write
	for i, w := range n.later {
		if w.data == nil {
			n.later = append(kept, n.later[i+1:]...)
			return
		}
		if w.off < size {
			kept = append(kept, write{w.off, w.data[:min(int64(len(w.data)), size-w.off)]})
		}
	}
}

// clone makes a copy of a state that shares nothing that changes.
func (s *state) clone() state { return state{s.content.clone(), maps.Clone(s.names)} }
