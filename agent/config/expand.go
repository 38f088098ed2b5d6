package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// variable is a reference to an environment variable, its escape $${, or a beginning that is neither.
var variable = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// expand puts environment variables into a scalar: ${NAME} becomes the value of NAME, $${ becomes ${, and a dollar sign that
// no brace follows is a dollar sign, as passwords have them. What is put in is text and is not looked at again.
func (c *converter) expand(n *node, field string) {
	if !strings.Contains(n.raw, "${") {
		n.text = n.raw
		return
	}
	n.text = variable.ReplaceAllStringFunc(n.raw, func(reference string) string {
		switch name := strings.TrimSuffix(strings.TrimPrefix(reference, "${"), "}"); {
		case reference == "$${":
			return "${"
		case name == "" && len(n.mistakes) > 0:
			return reference
		case name == "":
			c.wrong(n, field, "${ begins the name of an environment variable, but no name and } follow",
				"write ${NAME}, or $${ if the two characters themselves are meant")
			return reference
		default:
			value, found := os.LookupEnv(name)
			if !found {
				c.wrong(n, field, fmt.Sprintf("the environment variable %s is not set", name),
					"set it for the service, or write the value itself; $${ stands for the two characters themselves")
				return reference
			}
			if n.variables == nil {
				n.variables = make(map[string]string)
			}
			n.variables[name] = value
			return value
		}
	})
}
