package intake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Settings calls told each time the clock of the machine is set, until ctx ends. The error says that the kernel does not tell.
func Settings(ctx context.Context, told func()) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "timer")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		_ = timer.Close() // ends the read
	}()
	defer func() { <-ended }()
	return await(ctx, timer, told)
}

// await reads from a timer that never goes off: the read ends only because the clock was set.
func await(ctx context.Context, timer *os.File, told func()) error {
	never := unix.ItimerSpec{Value: unix.NsecToTimespec(math.MaxInt64)}
	never.Value.Sec = math.MaxInt32 // also where seconds have 32 bits
	raw, err := timer.SyscallConn()
	if err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	for ctx.Err() == nil {
		var armed error
		err := raw.Control(func(fd uintptr) {
			armed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil)
		})
		if err = errors.Join(err, armed); err == nil {
			_, err = timer.Read(make([]byte, 8))
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, syscall.ECANCELED):
			told()
		case err != nil:
			return fmt.Errorf("timer: %w", err)
		}
	}
	return nil
}
