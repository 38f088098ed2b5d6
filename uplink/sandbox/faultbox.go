package sandbox

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
)

// faultBox holds the faults that are in force.
type faultBox struct {
	mu     sync.Mutex
	list   []*Fault
	random *rand.Rand
	// released is closed when the faults are set anew.
	released chan struct{}
}

func newFaultBox(seed uint64) *faultBox {
	return &faultBox{random: rand.New(rand.NewPCG(seed, 0)), released: make(chan struct{})} //nolint:gosec // not for secrets
}

// SetFaults replaces all faults; none clears them. Requests that hang are let go. On an error, which names every mistake,
// nothing changes.
func (p *Portal) SetFaults(faults Faults) error {
	var errs []error
	list := make([]*Fault, 0, len(faults))
	tls := false
	for _, f := range faults {
		errs = append(errs, f.check())
		f.IINs, f.Met = slices.Clone(f.IINs), 0
		list = append(list, &f)
		tls = tls || f.isTLS()
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.faults.replace(list)
	p.servers.serveSingly(tls) // only a new connection shows a certificate
	return nil
}

// Faults gives the faults in force; Next is what is left of it.
func (p *Portal) Faults() Faults {
	b := p.faults
	b.mu.Lock()
	defer b.mu.Unlock()
	faults := make(Faults, 0, len(b.list))
	for _, f := range b.list {
		faults = append(faults, *f)
	}
	return faults
}

func (b *faultBox) replace(list []*Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = list
	close(b.released)
	b.released = make(chan struct{})
}

func (b *faultBox) release() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.released
}

// pickRequest gives the fault that is to hit a request to a portal with a body of this length, or one without a kind. Whether it
// comes to that depends on the request; see meet.
func (b *faultBox) pickRequest(portal string, length int64) *Fault {
	return b.pick(func(f *Fault) bool {
		return !f.refusesRows() && !f.isTLS() && (f.Portal == "" || f.Portal == portal) && (f.Above == 0 || length > f.Above)
	})
}

// pickConnection gives the kind of fault that hits a new TLS connection, or none.
func (b *faultBox) pickConnection() Kind {
	f := b.pick((*Fault).isTLS)
	b.meet(f)
	return f.Kind
}

func (b *faultBox) pick(fits func(*Fault) bool) *Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.list {
		if fits(f) && b.hits(f) {
			b.count(f)
			return f
		}
	}
	return &Fault{}
}

// meet notes that a fault is being carried out.
func (b *faultBox) meet(f *Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f.Met++
}

// hits draws lots for a fault with a share.
func (b *faultBox) hits(f *Fault) bool { return f.Share == 0 || b.random.Float64() < f.Share }

// count takes one from a fault that lasts for some requests only.
func (b *faultBox) count(f *Fault) {
	if f.Next == 0 {
		return
	}
	if f.Next--; f.Next == 0 {
		b.list = slices.DeleteFunc(slices.Clone(b.list), func(other *Fault) bool { return other == f })
	}
}

// bars gives the faults that refuse rows of this request.
func (b *faultBox) bars() []*Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	var bars []*Fault
	for _, f := range b.list {
		if f.refusesRows() && b.hits(f) {
			bars = append(bars, f)
		}
	}
	return bars
}

// spend notes that a fault of bars has refused a request.
func (b *faultBox) spend(f *Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f.Met++
	b.count(f)
}
