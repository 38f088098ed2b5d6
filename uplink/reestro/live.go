package reestro

import (
	"context"
	"fmt"
	"net/http"
)

// live asks the portal for the checks that a filter chooses; the mirror has no part in it.
func (r *reestro) live(ctx context.Context, f filter) ([]Check, error) {
	query := f.query()
	here := f // what is left to be chosen here
	here.subject, here.externalID, here.correlationID = "", "", ""
	chosen := []Check{}
	seen := make(map[string]bool)
	after := ""
	for range maxPages {
		found, v := r.search(ctx, query, after)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if v.outcome != done {
			return nil, refusal{http.StatusBadGateway, fmt.Errorf("ask the portal: %w", v.problem)}
		}
		for i := range found.checks {
			if here.chooses(&found.checks[i]) {
				chosen = append(chosen, found.checks[i])
			}
			if f.limit > 0 && len(chosen) == f.limit {
				return chosen, nil
			}
		}
		after = found.last
		if len(found.checks)+found.strange == 0 || after == "" || seen[after] {
			break
		}
		seen[after] = true
	}
	return chosen, nil
}
