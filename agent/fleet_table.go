package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/acs-agent/acs-agent/agent/fleet"
	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// fleetPicture is what is shown of a fleet at one moment.
type fleetPicture struct {
	broker  string
	now     time.Time
	devices []fleet.Device
	left    fleet.Left
	// link is how the watcher is connected; nil if that needs no word.
	link *fleet.Link
	// rows is how many devices are shown at most; 0 for all.
	rows int
}

// write prints the table, and a line above it that says the most.
func (f *fleetPicture) write(w io.Writer, p *lang.Printer) error {
	_, err := p.Fprintf(w, "%s at %s: %s\n", counted(len(f.devices), "device"), f.broker, fleetSummary(p, f.devices))
	if err != nil {
		return err
	}
	f.printLink(w, p)
	_, _ = fmt.Fprintln(w)
	shown := f.devices
	if f.rows > 0 && len(shown) > f.rows {
		shown = shown[:f.rows]
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "DEVICE\tSTATE\tHEARD\tWAITING\tOLDEST\tHELD\tDEAD\tDISK\tVERSION\tPROBLEMS\n")
	for i := range shown {
		printDevice(table, p, f.now, &shown[i])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if rest := f.devices[len(shown):]; len(rest) > 0 {
		_, _ = p.Fprintf(w, "and %d more: %s\n", len(rest), fleetSummary(p, rest))
	}
	if f.left.Strange > 0 {
		_, _ = p.Fprintf(w, "%s could not be understood: is there a later version of the agent?\n", counted(f.left.Strange, "message"))
	}
	if f.left.Beyond > 0 {
		_, _ = p.Fprintf(w, "there are more than %d devices, and the others are left out: choose some with --device\n", fleet.MaxDevices)
	}
	return nil
}

// printLink says what is wrong with the connection, if something is.
func (f *fleetPicture) printLink(w io.Writer, p *lang.Printer) {
	switch l := f.link; {
	case l == nil || l.Settled:
	case l.Problem == nil:
		_, _ = p.Fprintf(w, "listening to what the broker has kept\n")
	case l.Lost.IsZero():
		_, _ = p.Fprintf(w, "no connection yet; it is tried again\n%v\n", l.Problem)
	default:
		_, _ = p.Fprintf(w, "this is how it was at %s: the connection is lost, and tried again\n%v\n", l.Lost.Format(time.TimeOnly), l.Problem)
	}
}

// printDevice prints a row. What is unknown is a hyphen.
func printDevice(w io.Writer, p *lang.Printer, now time.Time, d *fleet.Device) {
	heard, waiting, oldest, held, dead, disk, agent := p.Word("never"), "-", "-", "-", "-", "-", "-"
	if d.Beaten {
		heard = "?"
		waiting, held, dead, agent = fmt.Sprint(d.Waiting), fmt.Sprint(d.Held), fmt.Sprint(d.Dead), d.Version
	}
	if !d.Heard.IsZero() {
		heard = ago(p, now, d.Heard)
	}
	if d.Waiting > 0 {
		oldest = span(p, d.Oldest)
	}
	if d.Beaten && d.FreeDisk >= 0 {
		disk = size(p, d.FreeDisk)
	}
	words := make([]string, len(d.Problems))
	for i := range d.Problems {
		words[i] = fleetProblem(p, &d.Problems[i])
	}
	row := []string{d.Name, classWords(p, d.Class), heard, waiting, oldest, held, dead, disk, agent}
	if len(words) > 0 {
		row = append(row, strings.Join(words, "; "))
	}
	_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
}

// fleetProblem says in a few words what is wrong.
func fleetProblem(p *lang.Printer, problem *fleet.Problem) string {
	var words string
	passes := counted(problem.Count, "pass")
	switch problem.Code {
	case heartbeat.ReaderFailing:
		words = p.Text("reader fails")
	case heartbeat.ReaderStopped:
		words = p.Text("reader stopped")
	case heartbeat.UplinkFailing:
		words = p.Text("uplink fails")
	case heartbeat.UplinkStopped:
		words = p.Text("uplink stopped")
	case heartbeat.UplinkGone:
		words = p.Sprintf("%s for an uplink that is gone", passes)
	case heartbeat.DeadLetters:
		words = p.Sprintf("%s refused", passes)
	case heartbeat.Uncertain:
		words = p.Sprintf("%s uncertain", passes)
	case heartbeat.JournalHoles:
		words = p.Sprintf("%s unreadable", passes)
	case heartbeat.JournalBroken:
		words = p.Text("journal was broken")
	case heartbeat.JournalFull:
		words = p.Text("journal full")
	case heartbeat.JournalFailing:
		words = p.Text("journal fails")
	case heartbeat.JournalFilling:
		words = p.Text("journal fills up")
	case heartbeat.DiskLow:
		words = p.Text("disk low")
	case heartbeat.ClockNotSet:
		words = p.Text("clock not set")
	case heartbeat.ConfigRefused:
		words = p.Text("configuration refused")
	case heartbeat.CardholdersFailing:
		words = p.Text("list of cardholders fails")
	case heartbeat.BrokerFailing:
		words = p.Text("broker fails")
	case heartbeat.WebFailing:
		words = p.Text("web server fails")
	default:
		words = problem.Code // of a later version
	}
	if names := strings.Join(problem.Names, ", "); names != "" {
		words += ": " + names
		if problem.More {
			words += ", …"
		}
	}
	return words
}

// fleetSummary counts the devices of each class.
func fleetSummary(p *lang.Printer, devices []fleet.Device) string {
	count := make(map[fleet.Class]int)
	for i := range devices {
		count[devices[i].Class]++
	}
	var words []string
	for _, c := range fleet.Classes() {
		if n := count[c]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, classWords(p, c)))
		}
	}
	if len(words) == 0 {
		return p.Text("nobody has said anything")
	}
	return strings.Join(words, ", ")
}

// classWords is the state of a device in a few words.
func classWords(p *lang.Printer, c fleet.Class) string {
	switch c {
	case fleet.NeedsPerson:
		return p.Text("needs a person")
	case fleet.ClockNotSet:
		return p.Text("clock not set")
	case fleet.ShortOfRoom:
		return p.Text("short of room")
	case fleet.Offline, fleet.Failing, fleet.Silent, fleet.Behind, fleet.Stopped, fleet.Well:
	}
	return p.Word(c.String())
}
