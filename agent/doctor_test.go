//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// A patient is a gateway with all kinds of portals, and the doctor who looks at it.
type patient struct {
	*gateway
}

// newPatient writes the files of a gateway that is well; more are further sections of its configuration. Nothing is started.
func newPatient(t *testing.T, more string) *patient {
	t.Helper()
	g := newGateway(t, "")
	g.portal = sandbox.New(sandbox.Options{
		Key: gatewayKey, Reestro: sandbox.ReestroOptions{Key: demoReestroKey, Org: demoReestroOrg},
		Callback: sandbox.CallbackOptions{Login: demoLogin, Password: demoPassword},
	})
	others := strings.NewReplacer("https://", "http://", "ca_file: portal-ca.pem, ", "", "[gate-4]", "[gate-3]").Replace(demoUplinks(g.address))
	config, err := os.ReadFile(g.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g.write("config.yaml", string(config)+others+more)
	g.write("reestro.key", demoReestroKey)
	g.write("callback.password", demoPassword)
	g.write("roster.csv", demoRoster())
	g.write("mqtt.password", agentPassword)
	if err := os.Mkdir(g.path("inbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	home := shortFolder(t)
	g.change = func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "HOME="+home, "XDG_CACHE_HOME="+home) }
	return &patient{g}
}

// examined runs the doctor, checks how it ends, and gives what it prints.
func (p *patient) examined(exit int, args ...string) string {
	p.t.Helper()
	out, err := p.command(append([]string{"doctor"}, args...)...).CombinedOutput()
	got := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	if got != exit {
		p.t.Errorf("doctor ended with %d, want %d", got, exit)
	}
	text := string(out)
	for _, secret := range []string{gatewayKey, demoReestroKey, agentPassword, "Пробный", e2ePerson(0).iin} {
		if strings.Contains(text, secret) {
			p.t.Errorf("the doctor tells %q", secret)
		}
	}
	return text
}

// says checks that there are lines that begin with the level and have the words in them; words behind → stand below.
func (p *patient) says(text string, lines ...string) {
	p.t.Helper()
	joined := strings.ReplaceAll(text, "\n         → ", " → ")
	for _, want := range lines {
		level, words, _ := strings.Cut(want, " ")
		if !slices.ContainsFunc(strings.Split(joined, "\n"), func(line string) bool {
			return strings.HasPrefix(line, level+" ") && containsAll(line, strings.Split(words, " … "))
		}) {
			p.t.Errorf("no line %q", want)
		}
	}
	if p.t.Failed() {
		p.t.Logf("the doctor said:\n%s", text)
	}
}

func containsAll(line string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
}

func TestDoctorOfAGatewayThatIsWell(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	e, err := broker.Listen(t.Context(), broker.ListenOptions{Address: address, Username: agentUser, Password: settings.NewSecret(agentPassword)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close() //nolint:errcheck // the test is over
	p := newPatient(t, mqttReader(address))
	p.openPortal()
	b := &testBroker{t: t, address: address, own: e, shared: agentPassword}
	p.start()
	p.works(health.Reader, "gate-3")
	p.publish(b, 1)
	p.await("the pass is delivered", func() bool { return p.portal.Stats().Rows == 1 })

	text := p.examined(exitDone)
	p.says(text,
		"ok config.yaml: no mistakes; readers: 1, uplinks: 4", "ok list of cardholders: rows in use: 10",
		"ok acs.key: rights -rw-------", "ok key of the journal: … journal.key, rights -rw-------",
		"ok reader gate-3: works; passes since the agent started: 1",
		"ok broker: mqtt://"+address+" lets us in",
		"ok portal visits: it works for the running agent: 1 since the start", "ok portal visits: "+p.address+" answers after",
		"ok portal visits: the clocks of this device and of the portal agree",
		"unsure portal visits: the portal did not refuse the key … its document does not say … → the first pass tells",
		"ok portal exam: the portal answers as its document says", "unsure portal exam: the portal's document knows no key",
		"ok portal vetting: key accepted, also for the organization", "ok portal reception: login and password accepted",
		"ok clock: it says", "ok disk of "+p.path("data")+": storing takes", "ok journal: passes: 1", "ok passes for visits: nothing waits", "ok agent: runs as process",
	)
	if strings.Contains(text, "\nwrong ") {
		t.Error("something is wrong")
	}

	var told diagnosis
	if err := json.Unmarshal([]byte(p.examined(exitDone, "--json")), &told); err != nil {
		t.Fatal(err)
	}
	if told.Summary != doctor.Sum(told.Findings) || told.Summary.Wrong != 0 || told.Summary.OK < 20 || told.Version != version {
		t.Errorf("%+v", told.Summary)
	}
	if n := p.portal.Stats(); n.TooFast != 0 || n.Rows != 1 || len(p.portal.Reports()) != 0 || len(p.portal.Subjects()) != 0 {
		t.Errorf("the portals were left with %+v", n)
	}
	if left, err := filepath.Glob(p.path("data/.acs-agent-doctor-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// However often the doctor is asked while the agent sends: together they keep the portal's pace.
func TestDoctorKeepsThePaceOfTheRunningAgent(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "readers: [{name: gate-3, type: simulator, cards: [\"5500000001\"], every: 200ms, repeat: 0s, organization: school}]\n")
	p.openPortal()
	p.start()
	for range 3 {
		p.says(p.examined(exitDone), "ok portal visits: "+p.address+" answers after")
	}
	if n := p.portal.Stats(); n.TooFast != 0 {
		t.Errorf("%d requests above the portal's pace: %+v", n.TooFast, n)
	}
}

func TestDoctorOfAGatewayThatWasNeverStarted(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "readers: [{name: gate-3, type: simulator, cards: [\"5500000001\"], every: 1h, organization: school}]\n")
	p.openPortal()
	p.says(p.examined(exitFailed),
		"ok portal reception: login and password accepted", "ok portal vetting: key accepted",
		"wrong agent: it does not run → start it", "ok journal: there is none in", "ok key of the journal: … is made at the first start",
		"unsure disk of … the folder does not exist yet",
	)
	if _, err := os.Stat(p.path("data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the doctor has made data_dir: %v", err)
	}
	if _, err := os.Stat(p.path("journal.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the doctor has made a key: %v", err)
	}
}

func TestDoctorOfAStoppedGateway(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "readers: [{name: gate-3, type: simulator, cards: [\"5500000099\"], every: 1h, organization: school}]\n")
	p.start()
	p.await("a pass is stored", func() bool {
		s, err := statusOf(p.path("data"))
		return err == nil && s.Journal.Passes > 0
	})
	p.stop()
	text := p.examined(exitFailed)
	p.says(text, "wrong agent: it does not run", "ok journal: passes: 1", "wrong portal visits: … connection refused → nothing answers there")
	p.start() // the journal is free again
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t) // this very process holds it
	b, err := broker.Listen(t.Context(), broker.ListenOptions{Address: "127.0.0.1:0", Username: agentUser, Password: settings.NewSecret("another")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close() //nolint:errcheck // the test is over
	p := newPatient(t, fmt.Sprintf("mqtt: {broker: %q, username: %s, password_file: mqtt.password}\n", b.Address().URL, agentUser)+
		strings.Replace(serialReader(port.Path), "gate-1", "gate-3", 1))
	p.openPortal()
	p.write("acs.key", "key-of-last-year")
	p.write("reestro.key", demoReestroOrg)
	p.write("callback.password", "password-of-last-year")
	if err := os.Chmod(p.path("acs.key"), 0o644); err != nil { //nolint:gosec // that is what is wrong
		t.Fatal(err)
	}
	text := p.examined(exitNeedsPerson)
	p.says(text,
		"wrong acs.key: every user of this computer can use the secret in it … → chmod 600",
		fmt.Sprintf("wrong port of gate-3: … is held by … (pid %d) → stop that program", os.Getpid()),
		"wrong broker: … not authorized → check username and password_file",
		"wrong portal visits: the portal answered 401: the access key is wrong or blocked → ask the portal's operator",
		"wrong portal vetting: the portal answered 401", "wrong portal reception: the platform does not accept login and password",
	)
	// The platform locks accounts: the same password is not tried again, be the technician as impatient as he may.
	for range 2 {
		p.says(p.examined(exitNeedsPerson), "wrong portal reception: login and password were refused at … not tried again")
	}
	logins := 0
	for _, r := range p.portal.Requests() {
		if r.Call == "login" {
			logins++
		}
	}
	if logins != 1 {
		t.Errorf("%d log-ins with the wrong password, want 1", logins)
	}
	port.Unplug()
	p.says(p.examined(exitNeedsPerson), "wrong port of gate-3: "+port.Path+" is not there → is the reader plugged in?")
}

func TestDoctorWithAConfigurationThatIsWrong(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "readers: [{name: gate-3, type: simulator, cards: [\"5500000001\"], every: 1h, organisation: school}]\n")
	p.openPortal()
	p.says(p.examined(exitNeedsPerson),
		"wrong config.yaml: … there is no key of this name here → ", "ok portal vetting: key accepted", "ok clock: it says", "ok memory: ",
		"unsure journal: it can only be opened with a configuration that is right")

	p.write("config.yaml", "device: [")
	p.says(p.examined(exitNeedsPerson),
		"wrong config.yaml", "unsure the rest of the site: readers, broker, portals", "ok memory: ", "unsure agent: whether it runs is not known")
	if err := os.Remove(p.path("config.yaml")); err != nil {
		t.Fatal(err)
	}
	p.says(p.examined(exitNeedsPerson), "wrong config.yaml: there is no such file → begin with the example")
	p.examined(exitUsage, "--bundle", "support.rar")
	p.examined(exitUsage, "now")
}

func TestDoctorSaysWhatItMayNotSee(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // who has no rights to give up sees it in every other test
	}
	p := newPatient(t, "readers: [{name: gate-3, type: simulator, cards: [\"5500000001\"], every: 1h, organization: school}]\n")
	p.openPortal()
	p.start() // as root
	p.await("the agent is up", func() bool {
		s, err := statusOf(p.path("data"))
		return err == nil && s.Running
	})
	if err := os.Chmod(p.path("data"), 0o750); err != nil { //nolint:gosec // as the agent makes it
		t.Fatal(err)
	}
	p.asNobody()
	text := p.examined(exitNeedsPerson)
	p.says(text, "unsure agent: … permission denied", "unsure portal visits: the running agent could not be asked", "unsure journal: the running agent could not be asked")
	for _, r := range p.portal.Requests() {
		if r.Call == "login" && r.Status != 200 {
			t.Errorf("a second process has tried to log in: %+v", r)
		}
	}
}
