package metrics

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	document = filepath.Join("..", "..", "docs", "metrics.md")
	rules    = filepath.Join("..", "..", "docs", "alerts.yml")
)

// TestEveryMetricIsDocumented holds the table in docs/metrics.md to the families; UPDATE=1 writes it anew.
func TestEveryMetricIsDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n")
	for _, f := range Families() {
		labels := make([]string, len(f.Labels))
		for i, l := range f.Labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", "`"+f.Name+"`", f.Type, strings.Join(labels, ", "), f.Help)
	}
	table := b.String()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	place := regexp.MustCompile(`(?m)^\| metric \|.*\n(\|.*\n)*`)
	if found := place.FindAllString(string(text), -1); len(found) != 1 {
		t.Fatalf("%s has %d tables of metrics", document, len(found))
	}
	if now := place.ReplaceAllLiteralString(string(text), table); now != string(text) {
		if os.Getenv("UPDATE") == "" {
			t.Fatalf("the table in %s is not that of the metrics: run this test with UPDATE=1", document)
		}
		if err := os.WriteFile(document, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAlertsAskForMetricsThatExist reads the rules in the plain form in which they are written: one key a line. Whoever has
// promtool gets them checked by it as well.
func TestAlertsAskForMetricsThatExist(t *testing.T) {
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	var (
		key     = regexp.MustCompile(`^ +(?:- )?(alert|expr|for|severity|summary|description): (.+)$`)
		name    = regexp.MustCompile(`\b(acs_agent|process|go)_[a-z0-9_]+`)
		series  = regexp.MustCompile(`\b(acs_agent_[a-z0-9_]+)\{([^}]*)\}`)
		matcher = regexp.MustCompile(`([a-z_]+)\s*[=!]~?\s*"([^"]*)"`)
		alerts  []map[string]string
	)
	for n, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "\t") {
			t.Errorf("line %d has a tab in it, which is no YAML", n+1)
		}
		m := key.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] == "alert" {
			alerts = append(alerts, make(map[string]string))
		}
		if len(alerts) == 0 || alerts[len(alerts)-1][m[1]] != "" {
			t.Fatalf("line %d: %s stands outside of an alert, or twice in it", n+1, m[1])
		}
		alerts[len(alerts)-1][m[1]] = m[2]
	}
	if len(alerts) < 10 {
		t.Errorf("only %d alerts were found", len(alerts))
	}
	families := make(map[string]Family)
	for _, f := range Families() {
		families[f.Name] = f
	}
	for _, a := range alerts {
		for _, k := range []string{"expr", "severity", "summary", "description"} {
			if a[k] == "" {
				t.Errorf("%s has no %s", a["alert"], k)
			}
		}
		if s := a["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: a severity of %q", a["alert"], s)
		}
		asked := name.FindAllString(a["expr"], -1)
		if len(asked) == 0 && !strings.Contains(a["expr"], "up{") {
			t.Errorf("%s asks for nothing of the agent", a["alert"])
		}
		for _, m := range asked {
			if _, known := families[m]; !known {
				t.Errorf("%s asks for %s, which does not exist", a["alert"], m)
			}
		}
		for _, m := range series.FindAllStringSubmatch(a["expr"], -1) {
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(families[m[1]].Labels, l[1]) {
					t.Errorf("%s: %s has no label %s", a["alert"], m[1], l[1])
				}
				for state := range strings.SplitSeq(l[2], "|") {
					if l[1] == "state" && !slices.Contains([]string{"starting", "ok", "failing", "stopped"}, state) {
						t.Errorf("%s: there is no state %s", a["alert"], state)
					}
				}
			}
		}
	}
	if promtool, err := exec.LookPath("promtool"); err == nil {
		if said, err := exec.Command(promtool, "check", "rules", rules).CombinedOutput(); err != nil {
			t.Errorf("promtool: %v\n%s", err, said)
		}
	}
}
