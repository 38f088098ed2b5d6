package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/health"
)

func TestAPanicIsAFaultOfTheProgram(t *testing.T) {
	err := guard(t.Context(), func(context.Context) error { panic("900101300017") })
	if code := health.CodeOf(err); code != string(health.Fault) || strings.Contains(err.Error(), "900101300017") {
		t.Errorf("code %q of %v", code, err)
	}
}

// What is wrong with a list of cardholders, in one word.
func TestCodesOfTheListOfCardholders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cardholders.csv")
	for want, c := range map[health.Code]struct {
		report cardholders.Report
		err    error
	}{
		"":                  {cardholders.Report{Used: 3}, nil},
		health.RowsRefused:  {cardholders.Report{Used: 3, Refused: 1}, nil},
		health.Missing:      {cardholders.Report{}, fmt.Errorf("cardholders: %w", &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist})},
		health.Permission:   {cardholders.Report{}, fmt.Errorf("cardholders: %w", fs.ErrPermission)},
		health.ListUnusable: {cardholders.Report{}, errors.New("cardholders: no column is called card")},
	} {
		s := &site{board: health.NewBoard(discardLog())}
		s.reportCardholders(file, cardholders.NewKeeper(file, time.UTC, discardLog()), c.report, c.err)
		if r := s.board.Part(health.Cardholders, "cardholders.csv").Report(); r.Code != string(want) {
			t.Errorf("code %q of %q, want %q", r.Code, r.Problem, want)
		}
	}
}
