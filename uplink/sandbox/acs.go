package sandbox

import (
	"errors"
	"fmt"
	"net/http"
)

const (
	// ACSPath is the path of the visits portal.
	ACSPath = "/back/apikey/v1/data_set"
	acsKey  = "X-Api-Key" // as net/http writes X-API-KEY
	// acsMaxBody is the document's "до 50 МБ в запросе", in the smaller reading of it.
	acsMaxBody = 50_000_000
)

// acs is the portal that takes passes: one POST, "InsertACS".
type acs struct {
	key         string
	allowBursts bool
	limit       limiter
	store       *store
}

func newACS(key string, allowBursts bool) *acs {
	return &acs{key: key, allowBursts: allowBursts, store: newStore()}
}

func (a *acs) name() string { return acsName }

func (a *acs) takes(r *http.Request) bool { return target(r) == ACSPath }

// documented holds the texts letter by letter, with the document's own slips.
func (a *acs) documented(_ *http.Request, status int) (mediaType, body string, known bool) {
	switch status {
	case http.StatusBadRequest:
		return mediaJSON, `{"message":"Ошибка передачи параметров"}`, true
	case http.StatusUnauthorized:
		return mediaJSON, `{"message":"Ошибка авторизации (ключ не верный или заблокирован)"}`, true
	case http.StatusInternalServerError:
		return mediaJSON, `{"message":"Втнутренняя ошибка сервера"}`, true
	default:
		return "", "", false
	}
}

func (a *acs) arrived(x *exchange) {
	x.tooFast = a.limit.tooFast(clientAddress(x.r.RemoteAddr), x.entry.At)
}

func (a *acs) serve(x *exchange) {
	if status, reason := a.checkHeader(x); status != 0 {
		x.refuse(status, reason)
		return
	}
	staged := &stage{}
	defer staged.drop()
	bars := x.portal.faults.bars()
	body := acsBody{scan: newScanner(x.body), staged: staged, bars: bars}
	if err := body.read(); err != nil {
		if body.barred != nil {
			x.portal.faults.spend(body.barred)
			x.entry.Fault = body.barred.name()
		}
		a.fail(x, err)
		return
	}
	rows, repeats, err := a.store.commit(staged)
	if err != nil {
		a.fail(x, err)
		return
	}
	x.entry.Rows, x.entry.Repeats = rows, repeats
	x.answer(http.StatusOK, mediaJSON, `{"message":"OK"}`)
}

// fail tells the client's mistakes from our own troubles.
func (a *acs) fail(x *exchange, err error) {
	if wrong, ok := errors.AsType[*mistake](err); ok {
		x.refuse(http.StatusBadRequest, wrong.Error())
		return
	}
	x.portal.log.Error("cannot keep the rows of a request", "err", err)
	x.refuse(http.StatusInternalServerError, "the sandbox cannot keep it: "+err.Error())
}

// checkHeader checks all that stands before the body, in the order in which a proxy and the portal behind it would; status 0
// means that nothing is wrong.
func (a *acs) checkHeader(x *exchange) (status int, reason string) {
	r := x.r
	keys, types := r.Header[acsKey], r.Header["Content-Type"]
	switch {
	case r.Method != http.MethodPost:
		x.w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "method is not POST"
	case len(keys) == 0:
		return http.StatusUnauthorized, "header X-API-KEY is missing"
	case len(keys) > 1:
		return http.StatusUnauthorized, "header X-API-KEY stands there more than once"
	case a.key == "" || keys[0] != a.key:
		return http.StatusUnauthorized, "header X-API-KEY has another key"
	case len(types) != 1 || !isJSON(types[0]):
		return http.StatusBadRequest, "header Content-Type is not application/json"
	case r.ContentLength < 0:
		return http.StatusLengthRequired, "header Content-Length is missing"
	case r.ContentLength > acsMaxBody:
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("body is longer than %d bytes", acsMaxBody)
	case len(r.Header["Content-Encoding"]) > 0:
		return http.StatusBadRequest, "header Content-Encoding is not foreseen"
	case x.tooFast && !a.allowBursts:
		x.w.Header().Set("Retry-After", "1")
		return http.StatusTooManyRequests, fmt.Sprintf("more than %d requests within %v", limitRequests, limitWindow)
	}
	return 0, ""
}
