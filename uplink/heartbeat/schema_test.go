package heartbeat

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are the documented forms of messages, by their kinds.
type schemas map[string]*jsonschema.Schema

func loadSchemas(t testing.TB) schemas {
	t.Helper()
	all := make(schemas)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, kind := range []string{KindState, KindHeartbeat, KindAlert, KindEvent} {
		schema, err := c.Compile(filepath.Join("..", "..", "docs", "mqtt", kind+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = schema
	}
	return all
}

// check says what is wrong with a message, by the schema of its topic.
func (s schemas) check(t testing.TB, topic string, payload []byte) {
	t.Helper()
	_, kind, rest, ok := ParseTopic(topic)
	if !ok {
		t.Errorf("nobody knows the topic %s", topic)
		return
	}
	if kind == KindAlert && len(payload) == 0 {
		return // it is over
	}
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = s[kind].Validate(message)
	}
	if err != nil {
		t.Errorf("%s is not as documented: %v\n%s", topic, err, payload)
		return
	}
	if fields, _ := message.(map[string]any); kind == KindAlert && fields["code"] != rest {
		t.Errorf("%s has the code %v", topic, fields["code"])
	}
}

// The documents are not wider than they have to be: what the types do not have, the schemas do not allow, and what the schemas
// describe, the types have.
func TestSchemasHaveJustTheFieldsOfTheTypes(t *testing.T) {
	for kind, message := range map[string]any{KindState: State{}, KindHeartbeat: Heartbeat{}, KindAlert: Alert{}} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "mqtt", kind+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		var schema object
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		compare(t, kind, schema, reflect.TypeOf(message))
	}
}

// An object is what matters of a schema here.
type object struct {
	Properties map[string]object `json:"properties"`
	Additional *bool             `json:"additionalProperties"`
	Items      *object           `json:"items"`
}

func compare(t *testing.T, path string, schema object, typ reflect.Type) {
	t.Helper()
	if schema.Additional == nil || *schema.Additional {
		t.Errorf("%s: the schema allows other fields", path)
	}
	fields := fieldsOf(typ)
	for name, field := range fields {
		property, ok := schema.Properties[name]
		switch {
		case !ok:
			t.Errorf("%s.%s is not in the schema", path, name)
		case property.Properties != nil:
			compare(t, path+"."+name, property, field)
		case property.Items != nil && property.Items.Properties != nil:
			compare(t, path+"."+name, *property.Items, field.Elem())
		}
	}
	for name := range schema.Properties {
		if _, ok := fields[name]; !ok {
			t.Errorf("%s.%s is in the schema and nowhere else", path, name)
		}
	}
}

// fieldsOf are the names of fields in JSON, those of embedded structs included.
func fieldsOf(typ reflect.Type) map[string]reflect.Type {
	all := make(map[string]reflect.Type)
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := bytes.Cut([]byte(f.Tag.Get("json")), []byte(","))
		if !f.Anonymous {
			all[string(name)] = f.Type
		}
	}
	return all
}

func TestSchemaAndCodeHaveTheSameAlerts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "mqtt", "alert.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Code struct {
				Enum []string `json:"enum"`
			} `json:"code"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if documented := schema.Properties.Code.Enum; !slices.Equal(documented, Codes()) {
		t.Errorf("documented %v\nin use     %v", documented, Codes())
	}
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "mqtt.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range Codes() {
		if !bytes.Contains(guide, []byte("| `"+code+"` |")) {
			t.Errorf("docs/mqtt.md does not say what to do about %s", code)
		}
	}
}
