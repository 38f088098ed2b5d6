package powercut

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Survivor is the disk as it is found after the cut: what was durable and, as r decides, some of the rest.
func (d *Disk) Survivor(r *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut()
	// Now and then everything or nothing of the rest: what lies between is more, but these are where rules are broken.
	keep := func(n int) int {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return n
		default:
			return r.IntN(n + 1)
		}
	}
	d.commit(keep(len(d.journal)))
	sector := int64(512)
	if r.IntN(2) == 0 {
		sector = block
	}
	// Some cuts are kind to data, some are not.
	luck := []float64{0, 0.1, 0.5, 0.9, 1}[r.IntN(5)]
	s := blank(d.faults)
	s.next = d.next
	var walk func(id uint64)
	walk = func(id uint64) {
		n := d.nodes[id]
		d.tear(n, sector, luck, r)
		kept := &node{id: id, name: n.name, mode: n.mode, made: n.made, touched: -1, live: n.disk.clone(), disk: n.disk.clone()}
		s.nodes[id] = kept
		for _, name := range slices.Sorted(maps.Keys(n.disk.names)) {
			walk(n.disk.names[name])
			s.nodes[n.disk.names[name]].name = name
		}
	}
	walk(Root)
	s.lost = d.lost
	return s
}

// tear has some of what was written since the last fsync survive, sector by sector.
func (d *Disk) tear(n *node, sector int64, luck float64, r *rand.Rand) {
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
		d.lost += len(versions) - last
		for _, w := range versions[:last] {
			n.disk.write(w.data, w.off)
		}
	}
	n.disk.cut(n.disk.size)
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
