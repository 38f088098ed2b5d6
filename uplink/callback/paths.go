package callback

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

const (
	limitMark = "{limit}"
	codeMark  = "{code}"
)

// paths are the addresses of the four calls below the base. Two slashes in a row and a slash at the end mean something to the
// platform, so nothing here may clean them: addresses are made by putting texts together.
type paths struct {
	Login string `yaml:"login"`
	// List has {limit} in the place of the number of requests.
	List string `yaml:"list"`
	// Commit has {code} in the place of the code.
	Commit string `yaml:"commit"`
	Status string `yaml:"status"`
}

func (p *paths) check(base string) (mistakes []error) {
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	if strings.HasSuffix(base, "/") {
		wrong("url", "ends with a slash, so that all addresses would have two in a row", "leave the slash out; the paths begin with one")
	}
	if strings.ContainsAny(base, "?#") {
		wrong("url", "has something behind the path", "write the beginning that all four addresses share, for example https://host")
	}
	for _, path := range []struct{ field, value, mark, example string }{
		{"paths.login", p.Login, "", "/api/"},
		{"paths.list", p.List, limitMark, "/api//?limit={limit}"},
		{"paths.commit", p.Commit, codeMark, "/api/v1/commit/{code}/"},
		{"paths.status", p.Status, "", "/api/"},
	} {
		plain := path.value
		if path.mark != "" {
			plain = strings.Replace(plain, path.mark, "1", 1)
		}
		switch {
		case path.value == "":
			wrong(path.field, "is missing", "ask the platform's operator for it; the document has lost parts of the paths, so none is assumed; it looks like "+path.example)
		case path.mark != "" && !strings.Contains(path.value, path.mark):
			wrong(path.field, fmt.Sprintf("%q has no %s", path.value, path.mark), "write "+path.mark+" where it belongs, for example "+path.example)
		case strings.ContainsAny(plain, "{}"):
			wrong(path.field, fmt.Sprintf("%q has braces that mean nothing here", path.value), "write it as in "+path.example)
		case !strings.HasPrefix(path.value, "/"):
			wrong(path.field, fmt.Sprintf("%q does not begin with a slash", path.value), "write it as in "+path.example)
		case !sentAsWritten(plain):
			wrong(path.field, fmt.Sprintf("%q cannot be sent as it stands", path.value), "write characters that an address cannot have as %XX, without spaces and #")
		}
	}
	return mistakes
}

// sentAsWritten says whether the path leaves this device letter by letter.
func sentAsWritten(path string) bool {
	u, err := url.Parse("https://host" + path)
	return err == nil && u.Host == "host" && u.Fragment == "" && u.RequestURI() == path
}

func (p *paths) list(limit int) string {
	return strings.Replace(p.List, limitMark, strconv.Itoa(limit), 1)
}

func (p *paths) commit(code string) string {
	return strings.Replace(p.Commit, codeMark, url.PathEscape(code), 1)
}
