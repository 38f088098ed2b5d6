package doctor

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// askTime bounds a question to another program.
const askTime = 5 * time.Second

// AskSystemd asks systemd about a service; nil if systemd does not run here.
func AskSystemd(ctx context.Context, name string) *Unit {
	if info, err := os.Stat("/run/systemd/system"); err != nil || !info.IsDir() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", "show", "--no-pager", //nolint:gosec // the name is ours
		"-p", "LoadState,ActiveState,SubState,Result,UnitFileState,User,NRestarts", name+".service")
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return readUnit(string(out))
}

// readUnit reads what systemctl show prints: Name=value, one a line.
func readUnit(text string) *Unit {
	u := &Unit{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "LoadState":
			u.Known = value == "loaded"
		case "ActiveState":
			u.Active = value
		case "SubState":
			u.Sub = value
		case "Result":
			u.Result = value
		case "UnitFileState":
			u.Enabled = value
		case "User":
			u.User = value
		case "NRestarts":
			if n, err := strconv.Atoi(value); err == nil {
				u.Restarts = n
			}
		}
	}
	return u
}
