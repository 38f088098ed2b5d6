package powercut

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Survivor is the disk as it is found after the cut: what was durable and, as r decides, some of the rest. There is one for each r.
func (d *Disk) Survivor(r *rand.Rand) *Disk {
	d.Cut()
	d.mu.Lock()
	s := d.copy()
	d.mu.Unlock()
	s.commit(some(len(s.journal), r))
	s.journal = nil
	sector := int64(512)
	if r.IntN(2) == 0 {
		sector = block
	}
	// Some cuts are kind to data, some are not.
	luck := []float64{0, 0.1, 0.5, 0.9, 1}[r.IntN(5)]
	reached := map[uint64]*node{}
	s.settle(s.nodes[Root], reached, func(n *node) { s.lost += n.tear(sector, luck, r) })
	s.nodes = reached
	return s
}

// some gives a number up to n. All and nothing come more often: what lies between is more, but these are where rules are broken.
func some(n int, r *rand.Rand) int {
	switch r.IntN(4) {
	case 0:
		return 0
	case 1:
		return n
	default:
		return r.IntN(n + 1)
	}
}

// copy makes a disk of its own, which works.
func (d *Disk) copy() *Disk {
	c := NewDisk(d.faults)
	c.next, c.lost = d.next, d.lost
	for id, n := range d.nodes {
		c.nodes[id] = &node{
			id: id, name: n.name, mode: n.mode, made: n.made, touched: n.touched - d.epoch,
			live: n.live.clone(), disk: n.disk.clone(), later: slices.Clone(n.later),
		}
	}
	same := func(n *node) *node {
		if n == nil {
			return nil
		}
		return c.nodes[n.id]
	}
	for _, e := range d.journal {
		e.folder, e.node, e.to = same(e.folder), same(e.node), same(e.to)
		c.journal = append(c.journal, e)
	}
	return c
}

// settle has what is found on the disk be what is seen, in the order of names.
func (d *Disk) settle(n *node, reached map[uint64]*node, each func(*node)) {
	reached[n.id] = n
	each(n)
	n.later, n.live, n.touched = nil, n.disk.clone(), never
	for _, name := range slices.Sorted(maps.Keys(n.disk.names)) {
		child := d.nodes[n.disk.names[name]]
		child.name = name
		d.settle(child, reached, each)
	}
}

// tear has some of what was written since the last fsync survive, sector by sector. It gives how many did not.
func (n *node) tear(sector int64, luck float64, r *rand.Rand) (lost int) {
	writes := n.later
	if i := slices.IndexFunc(writes, func(w write) bool { return w.data == nil }); i >= 0 {
		writes = writes[:i] // what was written after the file was cut went to blocks that nobody knows
	}
	touching := map[int64][]write{}
	for _, w := range writes {
		for s := w.off / sector; s*sector < w.off+int64(len(w.data)); s++ {
			from, to := max(w.off, s*sector), min(w.off+int64(len(w.data)), (s+1)*sector)
			touching[s] = append(touching[s], write{from, w.data[from-w.off : to-w.off]})
		}
	}
	for _, s := range slices.Sorted(maps.Keys(touching)) {
		versions := touching[s]
		last := len(versions)
		for last > 0 && r.Float64() >= luck {
			last--
		}
		lost += len(versions) - last
		for _, w := range versions[:last] {
			n.disk.write(w.data, w.off)
		}
	}
	n.disk.cut(n.disk.size)
	return lost
}

// Lost is how many sectors were lost in the cuts that this disk has been through.
func (d *Disk) Lost() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// Export writes all files to a folder of the real file system.
func (d *Disk) Export(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.export(d.nodes[Root], dir)
}

func (d *Disk) export(folder *node, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, id := range folder.live.names {
		n, path := d.nodes[id], filepath.Join(dir, name)
		var err error
		if n.folder() {
			err = d.export(n, path)
		} else {
			err = n.export(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *node) export(path string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(n.mode&0o777)) //nolint:gosec // a folder of the test
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	if err := f.Truncate(n.live.size); err != nil {
		return err
	}
	for i, p := range n.live.pages {
		if part := p[:max(0, min(block, n.live.size-i*block))]; len(part) > 0 {
			if _, err := f.WriteAt(part, i*block); err != nil {
				return fmt.Errorf("export %s: %w", n.name, err)
			}
		}
	}
	return nil
}
