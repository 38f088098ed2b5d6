package exam

import (
	"fmt"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestNothingOfADocumentRemainsButItsHash(t *testing.T) {
	e := &exam{}
	for text, want := range map[string]string{
		"aa 123 4567": "88951e982ae66939bd9854ee8bf4a664736d7d2c520f79400871c95eafbd79a9",
		"AA1234567":   "88951e982ae66939bd9854ee8bf4a664736d7d2c520f79400871c95eafbd79a9",
		"АA1234567":   "", // a Cyrillic letter among Latin ones: nobody knows which was meant
		"":            "",
	} {
		c := event.Credential{Format: "line", Text: text, Raw: []byte("]Q3" + text + "\r\n"), Number: []byte{1, 2}, Bits: 16, Short: []byte{3}}
		err := e.Conceal(&c)
		if c.Text != want || (err == nil) != (want != "") {
			t.Errorf("%q becomes %q, %v", text, c.Text, err)
		}
		if got := fmt.Sprintf("%+v %v", c, err); strings.Contains(got, "1234567") || strings.Contains(got, "123 4567") || len(c.Raw)+len(c.Number)+len(c.Short) > 0 {
			t.Errorf("something of the document remains: %s", got)
		}
	}
}
