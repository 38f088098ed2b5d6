package serialport

import "github.com/acs-agent/acs-agent/agent/event"

// MaxFrame is the largest number of bytes of one frame; what is longer is noise. Decoders keep no more than this.
const MaxFrame = event.MaxRaw

// A Decoder knows the frames that come over one line. Its methods are called by one goroutine; none of them may block, and
// what it keeps between calls is bounded by MaxFrame.
type Decoder interface {
	// Decode takes what has just come in, cut anywhere, and gives to out each frame that is complete now and each fault.
	// It may not keep chunk.
	Decode(chunk []byte, out Out)
	// Pending is how many bytes of an unfinished frame it holds.
	Pending() int
	// Silence says that an unfinished frame has waited for the Line's Gap and nothing came. Pending is 0 afterwards.
	Silence(out Out)
	// Reset forgets an unfinished frame: the port was lost.
	Reset()
}

// Out is where a Decoder puts what it found.
type Out interface {
	// Pass hands on one pass. Reader and Credential are set; At.Wall is filled in here with the time at which the bytes came.
	Pass(pass *event.Pass)
	// Odd reports bytes that could not be understood, for the named reader, or for all readers of the line if the name is
	// empty. The error says how much it was and what kind of fault, never what was in it: cards are personal.
	Odd(reader string, fault error)
}
