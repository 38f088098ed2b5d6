package localapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/buffer"
)

func TestStatusArrivesAsItWasSaid(t *testing.T) {
	overBoth(t, &Server{}, func(t *testing.T, c *Client) {
		for range 2 { // a client can ask again
			got, err := c.Status(t.Context())
			if err != nil || !reflect.DeepEqual(got, status()) {
				t.Errorf("%v\n%+v\nwant\n%+v", err, got, status())
			}
		}
	})
}

func TestItemsAreStreamedUpToTheLimit(t *testing.T) {
	const passes = 5000
	desk := newDesk(t)
	kill(t, desk, passes)
	overBoth(t, &Server{Desk: desk}, func(t *testing.T, c *Client) {
		for _, test := range []struct {
			query       queue.Query
			limit, want int
		}{
			{queue.Query{State: queue.Dead}, 0, passes},
			{queue.Query{}, 300, 300},
			{queue.Query{State: queue.Dead, Uplink: "visits"}, 1, 1},
			{queue.Query{State: queue.Waiting, Uplink: "relay"}, 999, 999},
			{queue.Query{State: queue.Held}, 10, 0},
			{queue.Query{Number: 4711, State: queue.Dead}, 10, 1},
		} {
			var last uint64
			count := 0
			err := c.Items(t.Context(), test.query, test.limit, func(i queue.Item) error {
				if i.Number <= last {
					t.Errorf("%d comes after %d", i.Number, last)
				}
				if i.Reader != "gate-1" || i.IIN != "9001*****017" || i.Name != "П.П.П." || !strings.HasPrefix(i.Card, "****") {
					t.Fatalf("%+v", i)
				}
				last = i.Number
				count++
				return nil
			})
			if err != nil || count != test.want {
				t.Errorf("%+v, limit %d: %d items, %v, want %d", test.query, test.limit, count, err, test.want)
			}
		}
	})
}

func TestAnItemArrivesAsItWasListed(t *testing.T) {
	desk := newDesk(t)
	kill(t, desk, 3)
	for _, reveal := range []bool{false, true} {
		q := queue.Query{Reveal: reveal, State: queue.Dead}
		var want []queue.Item
		if err := desk.Items(t.Context(), q, func(i *queue.Item) bool { want = append(want, *i); return true }); err != nil {
			t.Fatal(err)
		}
		overBoth(t, &Server{Desk: desk}, func(t *testing.T, c *Client) {
			var got []queue.Item
			if err := c.Items(t.Context(), q, 0, func(i queue.Item) error { got = append(got, i); return nil }); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if !got[i].At.Equal(want[i].At) || !got[i].Since.Equal(want[i].Since) {
					t.Errorf("times %v and %v, want %v and %v", got[i].At, got[i].Since, want[i].At, want[i].Since)
				}
				got[i].At, got[i].Since = want[i].At, want[i].Since
			}
			if !slices.Equal(got, want) {
				t.Errorf("reveal %v:\n%+v\nwant\n%+v", reveal, got, want)
			}
			if plain := got[0].IIN == pupil.IIN && got[0].Name == pupil.Name; plain != reveal {
				t.Errorf("reveal %v shows %q", reveal, got[0].Name)
			}
		})
	}
}

func TestActionsAreDoneAndRefusalsExplained(t *testing.T) {
	desk := newDesk(t)
	kill(t, desk, 6)
	held := event.Aside{Seq: 1, State: event.Held, Pending: event.NoOrganization, Reason: "no-organization"}
	overBoth(t, &Server{Desk: desk}, func(t *testing.T, c *Client) {
		before := desk.Journal.Stats()
		for _, test := range []struct {
			action queue.Action
			query  queue.Query
			want   string
		}{
			{queue.Retry, queue.Query{State: queue.Held}, "held ones go out with release"},
			{queue.Drop, queue.Query{State: queue.Dead, Uplink: "visit"}, `no such uplink: "visit"; there are: ["relay" "visits"]`},
			{"burn", queue.Query{State: queue.Dead}, `"burn" is nothing that can be done`},
		} {
			if _, err := c.Act(t.Context(), test.action, test.query); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", test.action, err, test.want)
			}
		}
		if err := c.Items(t.Context(), queue.Query{Uplink: "visit"}, 0, nil); err == nil || !strings.Contains(err.Error(), "there are:") {
			t.Errorf("list of an unknown uplink: %v", err)
		}
		if after := desk.Journal.Stats(); after.End != before.End || after.Uplinks["visits"].Dead != before.Uplinks["visits"].Dead {
			t.Errorf("a refused action was done: %+v", after)
		}
		var dead []uint64
		err := c.Items(t.Context(), queue.Query{State: queue.Dead}, 2, func(i queue.Item) error {
			dead = append(dead, i.Number)
			return nil
		})
		if err != nil || len(dead) != 2 {
			t.Fatalf("%v %v", dead, err)
		}
		done, err := c.Act(t.Context(), queue.Drop, queue.Query{State: queue.Dead, Number: dead[0]})
		if err != nil || done.Count != 1 {
			t.Errorf("drop: %+v %v", done, err)
		}
		done, err = c.Act(t.Context(), queue.Retry, queue.Query{State: queue.Dead, Number: dead[1]})
		if err != nil || done.Count != 1 || desk.Journal.End() != before.End+1 {
			t.Errorf("retry: %+v %v", done, err)
		}
		lacking := pass(9)
		lacking.Holder, lacking.Pending = event.Holder{}, event.NoOrganization
		if held.Seq, err = desk.Journal.Append(t.Context(), lacking); err != nil {
			t.Fatal(err)
		}
		again := event.Aside{Seq: held.Seq - 1, State: event.Dead, Reason: "again"}
		if err := desk.Journal.Source("visits").Settle(t.Context(), held.Seq, 0, []event.Aside{again, held}); err != nil {
			t.Fatal(err)
		}
		done, err = c.Act(t.Context(), queue.Release, queue.Query{Number: held.Seq})
		if err != nil || done.Count != 0 || done.Left["unknown-card"] != 1 {
			t.Errorf("release: %+v %v", done, err)
		}
	})
}

// What was misspelt must not be taken for "all".
func TestMisspeltQueriesAreRefused(t *testing.T) {
	desk := newDesk(t)
	kill(t, desk, 3)
	overBoth(t, &Server{Desk: desk}, func(t *testing.T, c *Client) {
		for _, test := range []struct {
			method, route string
			values        url.Values
			want          string
		}{
			{http.MethodPost, "queue/drop", url.Values{"state": {"dead"}, "number": {"1O"}}, `number: "1O" is no number`},
			{http.MethodPost, "queue/drop", url.Values{"state": {"dead"}, "number": {"-1"}}, "is no number"},
			{http.MethodPost, "queue/drop", url.Values{"state": {"deaf"}}, `"deaf" is no state`},
			{http.MethodGet, "queue", url.Values{"state": {"deaf"}}, `"deaf" is no state`},
			{http.MethodGet, "queue", url.Values{"limit": {"ten"}}, `limit: "ten" is no number`},
			{http.MethodGet, "queue/drop", url.Values{"state": {"dead"}}, "restart it"},
			{http.MethodPost, "tomorrow", nil, "started before the last update"},
		} {
			err := c.lines(t.Context(), test.method, test.route, test.values, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s %s %v: %v, want %q", test.method, test.route, test.values, err, test.want)
			}
		}
	})
	if n := desk.Journal.Stats().Uplinks["visits"].Dead; n != 3 {
		t.Errorf("%d passes are dead, want all 3", n)
	}
}

func TestAnErrorAfterTheFirstLineReachesTheCaller(t *testing.T) {
	const passes = 3000 // more than all buffers on the way have room for
	var desk *queue.Desk
	overEach(t, func(t *testing.T) *Server {
		desk = newDesk(t)
		kill(t, desk, passes)
		return &Server{Desk: desk, Log: slog.New(slog.DiscardHandler)}
	}, func(t *testing.T, c *Client) {
		closed := make(chan error, 1)
		count := 0
		err := c.Items(t.Context(), queue.Query{State: queue.Dead}, 0, func(queue.Item) error {
			if count++; count > 1 {
				return nil
			}
			go func() { closed <- desk.Journal.Close() }()
			await(t, "the journal closes", func() bool {
				_, err := desk.Journal.Append(context.Background(), pass(1))
				return errors.Is(err, buffer.ErrClosed)
			})
			return nil
		})
		if err == nil || err.Error() != "list dead passes of visits: the journal is closed" {
			t.Errorf("after %d items: %v", count, err)
		}
		if count == passes {
			t.Errorf("all %d items came", count)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

func TestVerifyReportsProgressAndResult(t *testing.T) {
	const passes = 2500
	desk := newDesk(t)
	kill(t, desk, passes)
	overBoth(t, &Server{Desk: desk}, func(t *testing.T, c *Client) {
		var seen []Progress
		report, err := c.Verify(t.Context(), func(p Progress) { seen = append(seen, p) })
		if err != nil || !report.OK() || report.Passes != passes || report.Asides != passes || report.Last != passes {
			t.Errorf("%+v %v", report, err)
		}
		if want := []Progress{{1024, passes}, {2048, passes}, {passes, passes}}; !slices.Equal(seen, want) {
			t.Errorf("progress %v, want %v", seen, want)
		}
	})
	if err := desk.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	overBoth(t, &Server{Desk: desk}, func(t *testing.T, c *Client) {
		if _, err := c.Verify(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the journal is closed") {
			t.Errorf("a closed journal is verified: %v", err)
		}
	})
}
