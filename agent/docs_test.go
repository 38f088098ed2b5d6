//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// The pages of the documentation are tested like code. What stands in a block
//
//	```sh         is run here, page by page in one shell, at a site where the agent works and all portals answer
//	```sh root    is run by `make rig`, in a container with a real service manager
//	```sh device  cannot be run on other machines (OpenWrt, the shell of a router); its syntax is checked
//
// and every other language is no command.

// A docBlock is a fenced block of a page.
type docBlock struct {
	line       int
	lang, kind string
	text       string
}

var fence = regexp.MustCompile("^```(\\w*) ?(.*)$")

func docBlocks(t *testing.T, page string) (blocks []docBlock) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var open *docBlock
	for i, line := range strings.Split(string(text), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open != nil && line == "```":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		case m != nil:
			open = &docBlock{line: i + 2, lang: m[1], kind: m[2]}
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block does not end", page, open.line)
	}
	return blocks
}

// docPages are all pages that show commands to people.
func docPages(t *testing.T) (pages []string) {
	t.Helper()
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/*/*.md", "drivers/*/README.md", "uplink/*/README.md"} {
		found, err := filepath.Glob(filepath.Join("..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	return pages
}

// docHarness is what the shell of each page begins with. Who works until stopped is put into the background, and has to end in
// order when the page does.
const docHarness = `set -eEuo pipefail
trap 'echo "line $doc_line: this has ended with status $?: $BASH_COMMAND" >&2' ERR
doc_line=0
doc_children=()
trap '[ ${#doc_children[@]} -eq 0 ] || kill -KILL "${doc_children[@]}" 2>/dev/null || true' EXIT
acs-agent() {
	case "${1:-}" in
	run|watch|sandbox)
		command acs-agent "$@" >"child-${#doc_children[@]}.log" 2>&1 &
		doc_children+=($!)
		doc_ready "$1" "child-$((${#doc_children[@]} - 1)).log" ;;
	*)
		local status=0
		command acs-agent "$@" || status=$?
		doc_expected "$status" "$@" ;;
	esac
}
doc_ready() {
	local n
	for n in $(seq 300); do
		case "$1" in
		run) grep -q 'msg=started' "$2" && command acs-agent status >/dev/null 2>&1 && return ;;
		sandbox) grep -q 'url: http' "$2" && return ;;
		*) [ "$n" -gt 5 ] && kill -0 "${doc_children[-1]}" && return ;;
		esac
		command sleep 0.1
	done
	cat "$2" >&2
	return 1
}
# What says by its status how things are, and is right to say so at this site.
doc_expected() {
	local status=$1
	shift
	case "$status $*" in
	0*) ;;
	[13]" exam send"*) ;; # the answer was lost on purpose, so that somebody can say what became of it
	"1 exam resend"*) ;; # it is there already
	"1 doctor"*|"3 doctor"*) ;; # a machine of developers is no device
	"1 service status"*) ;; # it is not installed here
	*) return "$status" ;;
	esac
}
curl() { command curl --fail-with-body --silent --show-error "$@"; }
make() { command grep -q "^$1:" "$doc_repository/Makefile"; }
doc_end() {
	local n
	for ((n = ${#doc_children[@]} - 1; n >= 0; n--)); do # who watches ends before what is watched
		kill -TERM "${doc_children[n]}" && wait "${doc_children[n]}"
	done
}
`

func TestDocumentedCommandsRun(t *testing.T) {
	for _, page := range docPages(t) {
		name := strings.TrimPrefix(page, "../")
		var script strings.Builder
		for _, b := range docBlocks(t, page) {
			switch {
			case b.lang == "sh" && b.kind == "" && strings.Contains(b.text, "sudo "):
				t.Errorf("%s:%d: commands of the administrator are no commands for this machine: mark the block root or device", name, b.line)
			case b.lang == "sh" && b.kind == "":
				fmt.Fprintf(&script, "doc_line=%d\n%s", b.line, b.text)
			case b.lang == "sh" && (b.kind == "root" || b.kind == "device"):
				docSyntax(t, name, b)
			case b.lang == "" && strings.Contains(b.text, "acs-agent "):
				t.Errorf("%s:%d: commands in a block without a language", name, b.line)
			case !slices.Contains([]string{"", "yaml", "csv", "json", "ini", "text", "console"}, b.lang), b.lang == "console":
				t.Errorf("%s:%d: a block of the language %q %q, which nobody tests", name, b.line, b.lang, b.kind)
			}
		}
		if script.Len() > 0 {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				newDocSite(t).run(name, script.String())
			})
		}
	}
}

func docSyntax(t *testing.T, page string, b docBlock) {
	t.Helper()
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(b.text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s:%d: %v\n%s", page, b.line, err, out)
	}
}

// A docSite is a folder with a configuration for all portals, which answer.
type docSite struct {
	*gateway
	port *drivertest.Port
}

func newDocSite(t *testing.T) *docSite {
	t.Helper()
	s := &docSite{gateway: &gateway{t: t, dir: shortFolder(t), address: freeAddress(t)}, port: drivertest.Serial(t)}
	s.portal = sandbox.New(demoOptions())
	uplinks := strings.NewReplacer("https://", "http://", " ca_file: portal-ca.pem,", "", "readers: [gate-4]", "readers: [gate-1]").Replace(demoUplinks(s.address))
	s.write("config.yaml", fmt.Sprintf(`device: almaty-gate-1
timezone: Asia/Almaty
data_dir: data
listen: off
organizations: [{id: school-12, bin: "010140000014", name: Школа № 12}]
cardholders: {file: cardholders.csv}
readers: [{name: gate-1, type: ironlogic, port: %s, organization: school-12}]
uplinks:
  - {name: visits, type: acs, url: "http://%s%s", api_key_file: acs.key, max_delay: 100ms}
`, s.port.Path, s.address, sandbox.ACSPath)+uplinks)
	s.write("cardholders.csv", listOf(known))
	s.write("acs.key", demoKey)
	s.write("reestro.key", demoReestroKey)
	s.write("callback.password", demoPassword)
	s.write("roster.csv", demoRoster())
	s.write("subject.json", "{}")
	if err := os.Mkdir(s.path("inbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// prepare lets everything happen that the pages speak of: subjects and a check, requests to be called back.
func (s *docSite) prepare() {
	s.start()
	s.write(filepath.Join("inbox", "subjects.csv"), demoSubjects)
	for n := range 20 {
		if _, err := s.portal.AddApplication(sandbox.DemoApplication([]string{"person", "entrepreneur"}[n%2])); err != nil {
			s.t.Fatal(err)
		}
	}
	s.await("all requests are fetched", func() bool {
		out, err := s.command("callbacks", "list", "--json").Output()
		return err == nil && bytes.Count(out, []byte(`"state"`)) >= 20
	})
	s.await("the subjects are registered", func() bool { return len(s.portal.Subjects()) == 3 })
	if err := s.portal.SetFaults(sandbox.Faults{mustFault(s.t, "cut-answer:portal=exam,next=1")}); err != nil {
		s.t.Fatal(err)
	}
}

func mustFault(t *testing.T, text string) sandbox.Fault {
	t.Helper()
	f, err := sandbox.ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// run runs the commands of a page. A page that starts the agent or the sandbox itself finds it stopped.
func (s *docSite) run(page, script string) {
	t := s.t
	now := time.Now().AddDate(0, 0, -7)
	year, week := now.ISOWeek()
	script = strings.NewReplacer(
		"dist/acs-agent", "acs-agent",
		"2026-W47 4711", fmt.Sprintf("%d-W%02d 1", year, week), // the first report of the sandbox
		"2026-W47 1042", fmt.Sprintf("%d-W%02d 1", year, week),
		"2026-W47", fmt.Sprintf("%d-W%02d", year, week),
		"http://127.0.0.1:8381", "http://"+s.address,
		" -c config.yaml", "",
	).Replace(script)
	if strings.Contains(script, "acs-agent sandbox") {
		script = strings.Replace(script, "acs-agent sandbox", "acs-agent sandbox --listen "+s.address, 1)
	} else {
		s.openPortal()
		s.prepare()
	}
	if strings.Contains(script, "acs-agent run") {
		s.stop()
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	bin := s.path("bin")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "acs-agent")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", docHarness+script+"\ndoc_end\n")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), runVariable+"=1", "ACS_AGENT_CONFIG="+s.path("config.yaml"), "PATH="+bin+":"+os.Getenv("PATH"),
		"HOME="+s.dir, "doc_repository="+repository, "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", page, err, out)
	}
}
