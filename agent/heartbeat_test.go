//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// readersTopic is what a reader itself publishes: the one place at the broker where cards may be.
const readersTopic = "rfid/gate-2"

// TestNothingPersonalLeavesOverMQTT runs a site with every kind of uplink through good and bad days, and holds every message that
// the broker saw against everything that is personal there, and against the documentation.
func TestNothingPersonalLeavesOverMQTT(t *testing.T) {
	t.Parallel()
	s := newTalkingSite(t)
	c := listenIn(t, s.broker)
	s.start()
	session := c.state(heartbeat.Online, 0)
	c.beat("all works", func(b *heartbeat.Heartbeat) bool {
		return len(b.Alerts) == 0 && len(b.Readers) == 5 && len(b.Uplinks) == 5 && b.Host.MemoryTotal > 0 && b.Interval == 5 &&
			!slices.ContainsFunc(b.Readers, func(r heartbeat.Reader) bool { return r.State != "ok" }) &&
			!slices.ContainsFunc(b.Uplinks, func(u heartbeat.Uplink) bool { return u.State != "ok" && u.State != "starting" })
	})

	s.goodDay()
	for _, event := range []string{"new_requests", "inbox", "subject", "check", `"state":"sent"`} {
		c.await("an event "+event, func(m message) bool { return m.kind == heartbeat.KindEvent && strings.Contains(m.payload, event) })
	}
	c.alert(heartbeat.DeadLetters, true)
	c.beat("what was read", func(b *heartbeat.Heartbeat) bool {
		u := b.Uplinks[slices.IndexFunc(b.Uplinks, func(u heartbeat.Uplink) bool { return u.Name == "visits" })]
		return b.Readers[1].Reads > 0 && b.Readers[1].Errors > 0 && b.Readers[2].Reads > 0 && b.Readers[3].Reads > 0 && b.Readers[4].Reads > 0 &&
			u.Dead > 0 && u.Held > 0 && !u.LastOKAt.IsZero()
	})

	mend := s.badDay()
	bad := []string{heartbeat.ConfigRefused, heartbeat.CardholdersFailing, heartbeat.ReaderFailing, heartbeat.UplinkFailing}
	for _, code := range bad {
		c.alert(code, true)
	}
	c.beat("what is wrong", func(b *heartbeat.Heartbeat) bool {
		return strings.HasPrefix(b.Config.Error, "config-refused") && slices.ContainsFunc(b.Readers, func(r heartbeat.Reader) bool { return r.Error != "" })
	})
	s.agent.kill()
	if lost := c.state(heartbeat.Lost, session); lost != session {
		t.Errorf("session %d is lost, and not %d", lost, session)
	}
	mend()
	s.start()
	if again := c.state(heartbeat.Online, session+1); again != session+1 {
		t.Errorf("after session %d comes %d", session, again)
	}
	for _, code := range bad {
		c.alert(code, false)
	}
	c.beat("all works again but for the dead letter", func(b *heartbeat.Heartbeat) bool {
		return b.Session == session+1 && slices.Equal(b.Alerts, []string{heartbeat.DeadLetters})
	})
	s.documentedCommands()
	s.stop()
	c.state(heartbeat.Stopped, session+1)
	c.check(s.personal())
}

// A talkingSite is a gateway with a broker and all uplinks.
type talkingSite struct {
	*gateway
	broker    *testBroker
	crowd     *crowd
	rdm, iron *drivertest.Port
	desk      *drivertest.Port
	close     func()
}

func newTalkingSite(t *testing.T) *talkingSite {
	s := &talkingSite{
		gateway: newGateway(t, ""), broker: newTestBroker(t, freeAddress(t)), crowd: newCrowd(),
		rdm: drivertest.Serial(t), iron: drivertest.Serial(t), desk: drivertest.Serial(t),
	}
	portals := demoOptions()
	portals.Key = gatewayKey
	s.portal = sandbox.New(portals)
	s.close = s.openPortal()
	s.broker.start(agentPassword)
	config, err := os.ReadFile(s.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	uplinks := strings.NewReplacer("https://", "http://", " ca_file: portal-ca.pem,", "", "readers: [gate-4]", "readers: [gate-1], document_readers: [desk]",
		"retry_max: 2s", "retry_max: 1s, requests_per_second: 40").Replace(demoUplinks(s.address))
	s.write("config.yaml", string(config)+uplinks+fmt.Sprintf(`  - {name: heartbeat, type: heartbeat, interval: 5s, home_assistant: true}
mqtt: {broker: "mqtt://%s", username: %s, password_file: mqtt.password}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school, note: Пост охраны Пробного, repeat: 0s}
  - {name: gate-2, type: mqtt, topic: %s, format: esp-rfid, organization: school, repeat: 0s}
  - {name: gate-3, type: ironlogic, port: %s, organization: school, repeat: 0s}
  - {name: desk, type: line, port: %s, organization: school}
  - {name: rehearsal, type: simulator, organization: school, cards: ["%s", "99FEDCBA98"], every: 1s, stop_after: 4}
`, s.broker.address, agentUser, s.rdm.Path, readersTopic, s.iron.Path, s.desk.Path, s.crowd.people[6].card.hex()))
	for name, text := range map[string]string{
		"mqtt.password": agentPassword, "cardholders.csv": s.crowd.list(), "reestro.key": demoReestroKey, "callback.password": demoPassword,
		"roster.csv": demoRoster(),
	} {
		s.write(name, text)
	}
	if err := os.Mkdir(s.path("inbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// goodDay shows cards and documents to all readers, and gives work to all uplinks.
func (s *talkingSite) goodDay() {
	t := s.t
	t.Helper()
	if err := s.portal.SetFaults(sandbox.Faults{{Kind: sandbox.RefuseIIN, IINs: []string{s.crowd.people[1].iin}}}); err != nil {
		t.Fatal(err)
	}
	s.rdm.Write([]byte("\x02" + s.crowd.people[2].card.hex() + "00\x03")) // the checksum is wrong
	for _, p := range s.crowd.people {
		s.rdm.Write(rdmFrame(p.card))
		if err := showIronLogic(writer(s.iron.Write), p.card); err != nil {
			t.Fatal(err)
		}
		s.broker.publish(readersTopic, fmt.Sprintf(`{"type":"access","time":%d,"isKnown":"true","access":"Always","username":%q,"uid":"%08x"}`,
			time.Now().Unix(), p.name, p.card.number()))
	}
	s.rdm.Write(rdmFrame(s.crowd.stranger))
	s.broker.publish(readersTopic, `{"type":"access","username":"Пробный"`)
	for _, document := range testDocuments() {
		s.desk.Write([]byte(document + "\r\n"))
	}
	s.write(filepath.Join("inbox", "Пробная.csv"), demoSubjects+"Пробная;;;;;;;да\n") // the last row cannot be used
	check, err := s.portal.AddCheck(sandbox.Check{ExternalID: "demo", Type: "Fssp"})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"person", "entrepreneur"} {
		if _, err := s.portal.AddApplication(sandbox.DemoApplication(form)); err != nil {
			t.Fatal(err)
		}
	}
	s.await("a request is fetched and closed", func() bool {
		return s.command("callbacks", "set", "1", "rejected", "--comment", "Пробный не отвечает").Run() == nil
	})
	s.await("the check is known", func() bool {
		out, err := s.command("checks", "list", "--json").Output()
		return err == nil && strings.Contains(string(out), check.ID)
	})
	if err := s.portal.SetCheckState(check.ID, "Processed"); err != nil {
		t.Fatal(err)
	}
	year, week := time.Now().AddDate(0, 0, -7).ISOWeek()
	s.await("the report is sent", func() bool {
		return s.command("exam", "send", fmt.Sprintf("%d-W%02d", year, week)).Run() == nil && len(s.portal.Reports()) == 1
	})
}

// badDay breaks what can break, and gives what mends it.
func (s *talkingSite) badDay() (mend func()) {
	s.t.Helper()
	good, err := os.ReadFile(s.path("config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("cardholders.csv", s.crowd.list()+"55007EE425;900101300018;Пробный Проба Пробович\n") // the IIN has a wrong digit
	s.iron.Unplug()
	s.close()
	s.write("config.yaml", string(good)+"Пробный: 900101300017\n")
	if err := s.agent.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.write("config.yaml", string(good))
		s.write("cardholders.csv", s.crowd.list())
		s.iron.Replug()
		s.openPortal()
	}
}

func testDocuments() []string { return []string{"AA1234501", "AA 1234502", "aa1234503"} }

// personal is everything that must not be at the broker, and what it is.
func (s *talkingSite) personal() map[string]string {
	all := make(map[string]string)
	add := func(what string, texts ...string) {
		for _, text := range texts {
			all[text] = what
			for _, form := range []string{text, strings.ToUpper(text), strings.ToLower(text)} {
				hash := sha256.Sum256([]byte(form))
				all[hex.EncodeToString(hash[:])] = "hash of " + what
				all[base64.StdEncoding.EncodeToString(hash[:])] = "hash of " + what
				all[base64.RawURLEncoding.EncodeToString(hash[:])] = "hash of " + what
			}
		}
	}
	cards := []card{s.crowd.stranger, {0x99, 0xFE, 0xDC, 0xBA, 0x98}}
	for _, p := range append(s.crowd.people, s.crowd.visitor) {
		add("name", p.name)
		add("part of a name", strings.Fields(p.name)...)
		add("IIN", p.iin)
		cards = append(cards, p.card)
	}
	for _, c := range cards {
		add("card", c.hex(), fmt.Sprintf("%08X", c.number()), fmt.Sprintf("%010d", c.number()), c.short(), strings.ReplaceAll(c.short(), ",", ""),
			strings.ReplaceAll(c.short(), ",", "/"), fmt.Sprintf("%X", c[2:]), fmt.Sprint(uint64(c[0])<<32|uint64(c.number())))
	}
	for _, d := range testDocuments() {
		add("document", d, strings.ReplaceAll(d, " ", ""))
	}
	add("subject or caller", "Пробная", "Пробный", "Проба", "Пробович", "Пробовна", "1990-01-02", "02.01.1990", "1985-05-06", "1000000000032", "0000000000",
		"+7 (000) 000-00-00", "70000000000", "500100732259", "ИП Пробный", "900101300017", "900101300018", "не отвечает", "охраны")
	add("secret", gatewayKey, agentPassword, demoReestroKey)
	return all
}

// documentedCommands runs what docs/mqtt.md shows.
func (s *talkingSite) documentedCommands() {
	t := s.t
	t.Helper()
	if s.broker.program == "" {
		return // and without Mosquitto there is none of its commands; in CI there is
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "mqtt.md"))
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(s.broker.address)
	login := strings.NewReplacer("-h broker.example", fmt.Sprintf("-h %s -p %s -u %s -P %s", host, port, doorUser, doorPassword))
	ran := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "mosquitto_sub ") {
			continue
		}
		ran++
		cmd := exec.Command("sh", "-c", login.Replace(strings.TrimSpace(line))+" -W 2")
		out, err := cmd.Output()
		const timeIsOver = 27 // asked for retained messages only, it may end earlier: with the first other one
		if exited, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exited.ExitCode() != timeIsOver) {
			t.Errorf("%s ended with %v", line, err)
		}
		if !strings.Contains(string(out), heartbeat.Root+"/"+gatewayName+"/alert/"+heartbeat.DeadLetters+" {") {
			t.Errorf("%s prints %s", line, out)
		}
	}
	if ran == 0 {
		t.Error("docs/mqtt.md shows no command to listen with")
	}
}

// An eavesdropper keeps all that is published.
type eavesdropper struct {
	t  *testing.T
	mu sync.Mutex
	// all are the messages in order, alerts the codes of those that stand, after each of them.
	all []message
}

type message struct {
	topic, payload string
	// kind and rest are those of a topic of ours.
	kind, rest string
}

func listenIn(t *testing.T, b *testBroker) *eavesdropper {
	t.Helper()
	e := &eavesdropper{t: t}
	from := broker.Address{URL: "mqtt://" + b.address, Username: doorUser, Password: settings.NewSecret(doorPassword)}
	if b.own != nil {
		from.Username, from.Password = agentUser, settings.NewSecret(b.shared)
	}
	o, err := from.Options("eavesdropper")
	if err != nil {
		t.Fatal(err)
	}
	client := paho.NewClient(o.SetOrderMatters(true))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("nobody listens: %v", token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	if token := client.Subscribe("#", 1, e.hear); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("nobody listens: %v", token.Error())
	}
	return e
}

func (e *eavesdropper) hear(_ paho.Client, m paho.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, kind, rest, _ := heartbeat.ParseTopic(m.Topic())
	e.all = append(e.all, message{m.Topic(), string(m.Payload()), kind, rest})
}

func (e *eavesdropper) heard() []message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// await waits for a message.
func (e *eavesdropper) await(what string, is func(message) bool) message {
	e.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
		all := e.heard()
		if i := slices.IndexFunc(all, is); i >= 0 {
			return all[i]
		}
	}
	last := make(map[string]string)
	for _, m := range e.heard() {
		last[m.topic] = m.payload
	}
	var text strings.Builder
	for _, topic := range slices.Sorted(maps.Keys(last)) {
		fmt.Fprintf(&text, "%s %s\n", topic, last[topic])
	}
	e.t.Fatalf("not within %v: %s; the last of each topic:\n%s", patience, what, text.String())
	return message{}
}

// state waits for a state, of that session or a later one, and gives its session.
func (e *eavesdropper) state(want heartbeat.Presence, least uint64) (session uint64) {
	e.t.Helper()
	e.await(fmt.Sprintf("%s in session %d", want, least), func(m message) bool {
		var s heartbeat.State
		ok := m.kind == heartbeat.KindState && json.Unmarshal([]byte(m.payload), &s) == nil && s.State == want && s.Session >= least
		session = s.Session
		return ok
	})
	return session
}

// beat waits for a heartbeat.
func (e *eavesdropper) beat(what string, is func(*heartbeat.Heartbeat) bool) {
	e.t.Helper()
	e.await("a heartbeat that says: "+what, func(m message) bool {
		var b heartbeat.Heartbeat
		return m.kind == heartbeat.KindHeartbeat && json.Unmarshal([]byte(m.payload), &b) == nil && is(&b)
	})
}

// alert waits until an alert stands, or does not.
func (e *eavesdropper) alert(code string, stands bool) {
	e.t.Helper()
	e.await(fmt.Sprintf("alert %s: %v", code, stands), func(message) bool {
		all := e.heard()
		slices.Reverse(all)
		i := slices.IndexFunc(all, func(m message) bool { return m.kind == heartbeat.KindAlert && m.rest == code })
		return i >= 0 && (all[i].payload != "") == stands
	})
}

// check holds every message to what is documented, and looks for what must not be there.
func (e *eavesdropper) check(personal map[string]string) {
	t := e.t
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	documented := make(map[string]*jsonschema.Schema)
	for _, kind := range []string{heartbeat.KindState, heartbeat.KindHeartbeat, heartbeat.KindAlert, heartbeat.KindEvent} {
		schema, err := c.Compile(filepath.Join("..", "docs", "mqtt", kind+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		documented[kind] = schema
	}
	kinds := make(map[string]int)
	for _, m := range e.heard() {
		if m.topic == readersTopic {
			kinds["reader"]++
			continue
		}
		text := strings.ToLower(m.topic + " " + plain(m.payload))
		for secret, what := range personal {
			if strings.Contains(text, strings.ToLower(secret)) {
				t.Errorf("a %s is in a message on %s", what, m.topic)
			}
		}
		if !strings.HasPrefix(m.topic, heartbeat.Root+"/") {
			kinds[m.topic]++
			continue
		}
		if kinds[m.kind]++; m.kind == heartbeat.KindAlert && m.payload == "" {
			continue
		}
		if documented[m.kind] == nil {
			t.Errorf("nobody knows the topic %s", m.topic)
			continue
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(m.payload))
		if err == nil {
			err = documented[m.kind].Validate(value)
		}
		if err != nil {
			t.Errorf("%s is not as documented: %v\n%s", m.topic, err, m.payload)
		}
	}
	t.Logf("%d forms of %s, messages: %v", len(personal), "what is personal", kinds)
	for _, kind := range []string{"reader", heartbeat.KindState, heartbeat.KindHeartbeat, heartbeat.KindAlert, heartbeat.KindEvent, "homeassistant/device/acs-agent-" + gatewayName + "/config"} {
		if kinds[kind] == 0 {
			t.Errorf("there was no message of the kind %s", kind)
		}
	}
}

// plain is a payload without the escapes of JSON.
func plain(payload string) string {
	var v any
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if json.Unmarshal([]byte(payload), &v) != nil || out.Encode(v) != nil {
		return payload
	}
	return payload + " " + b.String()
}
