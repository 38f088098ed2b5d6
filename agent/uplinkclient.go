package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/spf13/cobra"
)

// uplinkClient talks to one uplink, through the running agent or without one.
type uplinkClient struct {
	*connection
	ctx  context.Context //nolint:containedctx // the client lives as long as its command
	name string
}

// get asks the uplink for something.
func (u *uplinkClient) get(path string, query url.Values, into any) error {
	return u.Command(u.ctx, u.name, http.MethodGet, path, query, nil, into)
}

// post tells the uplink something.
func (u *uplinkClient) post(path string, query url.Values, body, into any) error {
	return u.Command(u.ctx, u.name, http.MethodPost, path, query, body, into)
}

// wantsUplink adds the flag --uplink to a command, for sites with several uplinks of one type.
func wantsUplink(cmd *cobra.Command) {
	cmd.Flags().String("uplink", "", "the uplink's name, if the configuration has several of this type")
}

// withUplink calls do with the uplink of that type: the only one, or the one that the flag --uplink names.
func (o *options) withUplink(cmd *cobra.Command, typ string, do func(*uplinkClient) error) error {
	return o.withAgent(cmd.Context(), func(a *connection) error {
		types, err := a.Uplinks(cmd.Context())
		if err != nil {
			return err
		}
		var names []string
		for name, t := range types {
			if t == typ {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		name := ""
		if flag := cmd.Flags().Lookup("uplink"); flag != nil {
			name = flag.Value.String()
		}
		switch {
		case name != "" && !slices.Contains(names, name):
			return usage{fmt.Errorf("--uplink: there is no uplink %q of type %s; there are: %q", name, typ, names)}
		case name == "" && len(names) == 0:
			return needsPerson{fmt.Errorf("the configuration has no uplink of type %s; `acs-agent drivers %s` prints an example", typ, typ)}
		case name == "" && len(names) > 1:
			return usage{fmt.Errorf("there are several uplinks of type %s: say which with --uplink: %q", typ, names)}
		case name == "":
			name = names[0]
		}
		return do(&uplinkClient{connection: a, ctx: cmd.Context(), name: name})
	})
}
