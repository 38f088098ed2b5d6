package sandbox

import (
	"net/http"
	"strings"
)

const (
	// SubjectsPath is the path of the portal that registers people and organizations to be checked.
	SubjectsPath = "/realty/assessment/v1/subjects"
	// ChecksPath is the path of the portal that lists checks.
	ChecksPath = "/realty/assessment/v1/checks"
	// mediaReestro is how the document writes the type of its answers.
	mediaReestro = "Application/json"
)

// ReestroOptions are for the portals of subjects and checks.
type ReestroOptions struct {
	// Key and Org are the GUIDs that the header Authorization must carry:
	// "ReestroAuth apiKey=<Key>&portal.orgid=<Org>". An empty Key: every key is answered with 401.
	Key, Org string
	// Dissolved are OGRNs of organizations that do not exist any more, Unknown those that are not found.
	Dissolved, Unknown []string
}

// refusal checks the header Authorization; status 0 means that nothing is wrong.
func (o ReestroOptions) refusal(r *http.Request) (status int, reason string) {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return http.StatusUnauthorized, "header Authorization does not stand there once"
	}
	values, isScheme := strings.CutPrefix(headers[0], "ReestroAuth apiKey=")
	key, org, both := strings.Cut(values, "&portal.orgid=")
	switch {
	case !isScheme || !both:
		return http.StatusUnauthorized, "header Authorization is not of the form ReestroAuth apiKey=…&portal.orgid=…"
	case o.Key == "" || !strings.EqualFold(key, o.Key):
		return http.StatusUnauthorized, "header Authorization has another key"
	case !strings.EqualFold(org, o.Org):
		return http.StatusForbidden, "header Authorization has another organization"
	}
	return 0, ""
}

// A reestroError is one of the errors in an answer.
type reestroError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target"`
}

// reestroErrors is the body of a 400.
func reestroErrors(errs ...reestroError) string {
	for i := range errs {
		errs[i].Target = "AssessmentApi"
	}
	return encodeJSON(struct {
		Code    string         `json:"code"`
		Message string         `json:"message"`
		Target  string         `json:"target"`
		Errors  []reestroError `json:"errors"`
	}{"validation", "Failed to validate request", "api", errs})
}

// Codes of errors in the document.
const (
	codeAbsent = "AbsenceOfRequiredField"
	codeValue  = "WrongFieldValue"
)

// reestroDocumented is what both documents say: a body for 400, and none for refused log-ins.
func reestroDocumented(status int, example reestroError) (mediaType, body string, known bool) {
	switch status {
	case http.StatusBadRequest:
		return mediaReestro, reestroErrors(example), true
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnsupportedMediaType:
		return "", "", true
	default:
		return "", "", false
	}
}
