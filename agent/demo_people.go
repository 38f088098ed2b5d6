package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/acs-agent/acs-agent/agent/event"
)

// card is an EM4100 card: 40 bits, of which every reader shows another part in another form.
type card [5]byte

func (c card) hex() string { return fmt.Sprintf("%X", c[:]) }

// number is the lower 32 bits, which most readers deliver.
func (c card) number() uint32 {
	return uint32(c[1])<<24 | uint32(c[2])<<16 | uint32(c[3])<<8 | uint32(c[4])
}

// short is what stands on the plastic: facility code and number of 24 bits.
func (c card) short() string { return fmt.Sprintf("%03d,%05d", c[2], uint32(c[3])<<8|uint32(c[4])) }

// person is somebody of the demo, who does not exist.
type person struct {
	name string
	iin  string
	card card
	// written is the card number as it was typed into the list.
	written string
}

// crowd are the people who come to the readers. Its methods may be called by all of them.
type crowd struct {
	people   []person
	visitor  person
	stranger card

	mu      sync.Mutex
	known   bool
	counted int
}

func newCrowd() *crowd {
	c := &crowd{
		visitor:  person{name: "Visitor Vera", card: card{0xA1, 0x00, 0x07, 0x00, 0x2A}},
		stranger: card{0x99, 0x00, 0x12, 0xD6, 0x87},
	}
	for i, known := range []card{
		{0x55, 0x00, 0x7E, 0xE4, 0x24},
		{0x14, 0x00, 0x8E, 0xC7, 0x93},
		{0x01, 0x00, 0x63, 0xE9, 0xAE},
		{0x10, 0x00, 0x86, 0xF4, 0x44},
		{0x0C, 0x00, 0x06, 0x21, 0xA5},
		{0x17, 0x00, 0x09, 0x59, 0x3F},
		{0x2C, 0x00, 0x52, 0x32, 0x8D},
	} {
		// Three of the many ways in which people write down the same number.
		forms := []string{known.hex(), known.short(), fmt.Sprintf("%010d", known.number())}
		c.people = append(c.people, person{
			name: "Пробный " + []string{"Аскар", "Борис", "Вадим", "Гани", "Даулет", "Ерлан", "Жанат"}[i], iin: syntheticIIN(i), card: known, written: forms[i%len(forms)],
		})
	}
	c.visitor.iin, c.visitor.written = syntheticIIN(len(c.people)), c.visitor.card.short()
	return c
}

// syntheticIIN makes a number with the right control digit that belongs to nobody: its date and serial part are counted up.
// Numbers below 100,000 give different results.
func syntheticIIN(n int) string {
	for serial := n % 10 * 10; ; serial++ {
		for control := range 10 {
			iin := fmt.Sprintf("%02d%02d%02d3%04d%d", 50+n/3360, 1+n/280%12, 1+n/10%28, serial, control)
			if event.ValidIIN(iin) {
				return iin
			}
		}
	}
}

// list is cardholders.csv as it is now.
func (c *crowd) list() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	b.WriteString("card;iin;full_name\n")
	people := c.people
	if c.known {
		people = append(people[:len(people):len(people)], c.visitor)
	}
	for _, p := range people {
		fmt.Fprintf(&b, "\"%s\";%s;%s\n", p.written, p.iin, p.name)
	}
	return b.String()
}

func (c *crowd) knowVisitor() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = true
}

// next gives the n-th card that a reader is shown. The stranger comes once, to the reader with the number 0.
func (c *crowd) next(reader, n int) card {
	if reader == 0 && n == 3 {
		return c.stranger
	}
	who := (n + 2*reader) % (len(c.people) + 1)
	if who == len(c.people) {
		return c.visitor.card
	}
	return c.people[who].card
}

// count notes that a card was shown to a reader.
func (c *crowd) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted++
}

// shown is how many cards were shown to all readers.
func (c *crowd) shown() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counted
}
