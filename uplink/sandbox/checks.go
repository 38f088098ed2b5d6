package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// maxChecks bounds how many checks are kept.
	maxChecks = 100_000
	// checkTime is how the portal writes a moment: UTC, with six digits behind the second.
	checkTime = "2006-01-02T15:04:05.000000Z"
)

// checks is the portal that lists checks of subjects, newest first.
type checks struct {
	options ReestroOptions
	now     func() time.Time

	mu   sync.Mutex
	kept []Check // newest first
}

// A Check is one as the portal knows it.
type Check struct {
	// ID is a GUID. Default: a new one.
	ID string
	// CorrelationID is the group's, which the portal writes corelationId. Empty: not in the answer.
	CorrelationID string
	// ExternalID is the client's own. Empty: not in the answer.
	ExternalID string
	// Created is cut to microseconds. Default: now.
	Created time.Time
	// Type is a word like "Fssp", which is the default; the member with the details is named after it: "fssp".
	Type string
	// State is a word like "Processing", which is the default.
	State string
	// SubjectID, Regions and Details are the members of that object; each may be missing.
	SubjectID string
	Regions   []string
	Details   map[string]any
	// CadastralNumber is a GUID that only the filter of that name knows.
	CadastralNumber string
}

func newChecks(o ReestroOptions, now func() time.Time) *checks { return &checks{options: o, now: now} }

func (c *checks) name() string { return checksName }

func (c *checks) takes(r *http.Request) bool { return r.URL.EscapedPath() == ChecksPath }

func (c *checks) documented(_ *http.Request, status int) (mediaType, body string, known bool) {
	if status == http.StatusUnsupportedMediaType {
		return "", "", false
	}
	return reestroDocumented(status, reestroError{Code: codeValue, Message: "subjectId should be guid"})
}

func (c *checks) serve(x *exchange) {
	if x.r.Method != http.MethodGet {
		x.w.Header().Set("Allow", http.MethodGet)
		x.refuse(http.StatusMethodNotAllowed, "method is not GET")
		return
	}
	if status, reason := c.options.refusal(x.r); status != 0 {
		x.refuse(status, reason)
		return
	}
	wanted, found := readCheckQuery(x.r.URL.RawQuery)
	var page []Check
	if len(found.list) == 0 {
		page = c.find(wanted, found)
	}
	if len(found.list) > 0 {
		tellReestro(x, found)
		return
	}
	items := make([]map[string]any, 0, len(page))
	for _, check := range page {
		items = append(items, check.item())
	}
	answer := map[string]any{"items": items}
	if len(page) > 0 {
		answer["lastCheckId"] = page[len(page)-1].ID
	}
	x.answer(http.StatusOK, mediaReestro, encodeJSON(answer))
}

// find gives the page of checks that a query asks for.
func (c *checks) find(wanted checkQuery, found *findings) (page []Check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.kept
	if wanted.after != "" {
		place := c.place(wanted.after)
		if place < 0 {
			found.add(finding{flaw: unfit, where: "afterCheckId", what: "is not known"})
			return nil
		}
		list = list[place+1:]
	}
	for _, check := range list {
		if len(page) == wanted.count {
			break
		}
		if wanted.fits(check) {
			page = append(page, check)
		}
	}
	return page
}

func (c *checks) place(id string) int {
	return slices.IndexFunc(c.kept, func(check Check) bool { return strings.EqualFold(check.ID, id) })
}

// item is a check as it stands in an answer.
func (c Check) item() map[string]any {
	item := map[string]any{
		"checkId": c.ID, "creationDate": c.Created.UTC().Format(checkTime), "checkType": c.Type, "checkState": c.State,
	}
	if c.CorrelationID != "" {
		item["corelationId"] = c.CorrelationID
	}
	if c.ExternalID != "" {
		item["externalId"] = c.ExternalID
	}
	details := maps.Clone(c.Details)
	if details == nil {
		details = make(map[string]any)
	}
	if c.SubjectID != "" {
		details["subjectId"] = c.SubjectID
	}
	if c.Regions != nil {
		details["regions"] = c.Regions
	}
	if len(details) > 0 {
		name := []rune(c.Type)
		name[0] = unicode.ToLower(name[0])
		item[string(name)] = details
	}
	return item
}

// AddCheck puts a check on the list, with defaults for what is empty, and gives it as it stands there.
func (p *Portal) AddCheck(check Check) (Check, error) {
	c := p.checks
	c.mu.Lock()
	defer c.mu.Unlock()
	if check.ID == "" {
		check.ID = newGUID()
	}
	if check.Created.IsZero() {
		check.Created = c.now()
	}
	check.Created = check.Created.UTC().Truncate(time.Microsecond)
	if check.Type == "" {
		check.Type = "Fssp"
	}
	if check.State == "" {
		check.State = "Processing"
	}
	var errs []error
	for name, id := range map[string]string{"id": check.ID, "subject's id": check.SubjectID, "cadastral number": check.CadastralNumber} {
		if id != "" && !guidForm.MatchString(id) {
			errs = append(errs, fmt.Errorf("its %s is not a GUID", name))
		}
	}
	if !wordForm.MatchString(check.Type) || !wordForm.MatchString(check.State) {
		errs = append(errs, errors.New("its type or state is not a word of Latin letters"))
	}
	if c.place(check.ID) >= 0 {
		errs = append(errs, errors.New("its id is on the list already"))
	}
	if len(c.kept) >= maxChecks {
		errs = append(errs, errors.New("the list holds as many as it can"))
	}
	if err := errors.Join(errs...); err != nil {
		return Check{}, fmt.Errorf("sandbox: add a check: %w", err)
	}
	check.Regions, check.Details = slices.Clone(check.Regions), maps.Clone(check.Details)
	older := slices.IndexFunc(c.kept, func(other Check) bool { return !other.Created.After(check.Created) })
	if older < 0 {
		older = len(c.kept)
	}
	c.kept = slices.Insert(c.kept, older, check)
	return check, nil
}

// SetCheckState changes the state of a check.
func (p *Portal) SetCheckState(id, state string) error {
	c := p.checks
	c.mu.Lock()
	defer c.mu.Unlock()
	place := c.place(id)
	if place < 0 || !wordForm.MatchString(state) {
		return fmt.Errorf("sandbox: set the state of a check: there is no check %s, or %q is not a word of Latin letters", id, state)
	}
	c.kept[place].State = state
	return nil
}

// Checks gives all checks, newest first.
func (p *Portal) Checks() []Check {
	c := p.checks
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.kept)
}
