package main

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// The disk is full, and then it is read-only, as a card becomes that dies.
func TestDoctorOfADiskThatIsFull(t *testing.T) {
	if !mayMount() {
		runWithMounts(t)
		return
	}
	t.Parallel()
	p := newPatient(t, "readers: [{name: gate-3, type: simulator, cards: [\"5500000001\"], every: 1h, organization: school}]\n")
	p.openPortal()
	disk := mountDisk(t, p.path("data"))
	p.says(p.examined(exitFailed), "warning disk of "+p.path("data")+": … are free, but the journal may take", "ok disk of "+p.path("data")+": storing takes")
	disk.fill()
	p.says(p.examined(exitNeedsPerson), "wrong disk of "+p.path("data")+": only 0 KiB are free; the journal takes no more passes → delete what is not needed")
	disk.free()
	if err := unix.Mount("", p.path("data"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(fmt.Errorf("make the disk read-only: %w", err))
	}
	p.says(p.examined(exitNeedsPerson), "wrong disk of "+p.path("data")+": it is read-only")
	if err := unix.Mount("", p.path("data"), "", unix.MS_REMOUNT, "size=128m"); err != nil {
		t.Fatal(err)
	}
}
