package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

const (
	controlPrefix = "/sandbox/"
	// maxFaultsText bounds what PUT /sandbox/faults takes, in bytes.
	maxFaultsText = 64 << 10
	// shownRows is how many rows GET /sandbox/rows shows unless it is told otherwise; maxShownRows is the most.
	shownRows    = 100
	maxShownRows = 10_000

	controlHelp = `there are
GET /sandbox/status
GET /sandbox/rows?last=100            passes that came
PUT /sandbox/faults                   one a line
PUT /sandbox/check?subject=GUID       a new check; type= and state= if they matter
PUT /sandbox/check?id=GUID&state=…    another state of a check
PUT /sandbox/application?opf=person   a new call-back request
DELETE /sandbox/tokens                log-ins of the call-back portal end
`
)

// control serves the people at this very machine.
func (p *Portal) control(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		http.Error(w, "the sandbox shows this to its own machine only, under http://localhost", http.StatusForbidden)
		return
	}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, controlPrefix) {
	case "GET status":
		p.showStatus(w)
	case "PUT faults":
		p.putFaults(w, r)
	case "GET rows":
		p.showRows(w, r)
	case "PUT check":
		p.putCheck(w, r.URL.Query())
	case "PUT application":
		p.putApplication(w, r.URL.Query())
	case "DELETE tokens":
		p.ExpireTokens()
		p.showStatus(w)
	default:
		http.Error(w, controlHelp, http.StatusNotFound)
	}
}

// local says whether a request comes from this machine and was meant for it: a web page that has its own name point to
// 127.0.0.1 is kept out by the Host.
func local(r *http.Request) bool {
	peer := clientAddress(r.RemoteAddr)
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	ip := net.ParseIP(host)
	return peer.IsLoopback() && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// putFaults takes the text form, one fault a line; no line clears all.
func (p *Portal) putFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFaultsText))
	if err != nil {
		http.Error(w, "the faults cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	faults, err := ParseFaults(string(text))
	if err != nil {
		http.Error(w, err.Error()+"\n\nwhat there is, one a line:\n"+FaultForms(), http.StatusBadRequest)
		return
	}
	if err := p.SetFaults(faults); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.showStatus(w)
}

// ParseFaults reads faults in their text form, one a line; empty lines count nothing. The error names every mistake with its line.
func ParseFaults(text string) (Faults, error) {
	var faults Faults
	var errs []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		if strings.TrimSpace(line) == "" {
			continue
		}
		f, err := ParseFault(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		faults = append(faults, f)
	}
	return faults, errors.Join(errs...)
}

// showRows shows the newest rows, masked, one JSON object a line.
func (p *Portal) showRows(w http.ResponseWriter, r *http.Request) {
	last := shownRows
	if text := r.URL.Query().Get("last"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxShownRows {
			http.Error(w, fmt.Sprintf("last is a number from 1 to %d", maxShownRows), http.StatusBadRequest)
			return
		}
		last = n
	}
	rows, texts := p.acs.store.snapshot()
	w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, row := range rows[max(0, len(rows)-last):] {
		if encoder.Encode(unpack(texts, row).masked()) != nil {
			return // nobody listens any more
		}
	}
}
