// The FUSE library does not build for 32 bits.

//go:build amd64 || arm64

package powercut

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// A Mount is a disk that processes can work on.
type Mount struct{ server *fuse.Server }

// Mount mounts the disk at dir, which must exist. It needs /dev/fuse and the right to mount.
//
// Files go through the kernel's page cache, because the store maps them into memory: what is changed there arrives as writes
// when the kernel thinks fit or when the process syncs.
func (d *Disk) Mount(dir string) (*Mount, error) {
	server, err := fuse.NewServer(&requests{RawFileSystem: fuse.NewDefaultRawFileSystem(), d: d}, dir, &fuse.MountOptions{
		DirectMountStrict: true, FsName: "powercut", Name: "powercut",
		DisableXAttrs: true, DisableReadDirPlus: true, MaxWrite: 128 << 10,
		Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // it complains about processes that were killed
	})
	if err != nil {
		return nil, fmt.Errorf("mount a file system of our own at %s (needs root and /dev/fuse): %w", dir, err)
	}
	go server.Serve() // ends with Unmount, which waits for it
	if err := server.WaitMount(); err != nil {
		return nil, fmt.Errorf("mount a file system of our own at %s (needs root and /dev/fuse): %w", dir, err)
	}
	return &Mount{server}, nil
}

// Unmount takes the disk away. No process may work on it any more.
func (m *Mount) Unmount() error { return m.server.Unmount() }

// requests answers the kernel.
type requests struct {
	fuse.RawFileSystem
	d *Disk
}

func status(errno syscall.Errno) fuse.Status { return fuse.Status(errno) } //nolint:gosec // they are small

// The kernel may remember everything: nobody else changes the disk.
const remember = time.Hour

func (q *requests) attr(n *node, out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink, out.Blksize = n.id, n.mode, 1, block
	out.Size = uint64(n.live.size) //nolint:gosec // not negative
	out.Blocks = uint64(len(n.live.pages)) * (block / 512)
	out.SetTimes(&n.made, &n.made, &n.made)
}

func (q *requests) entry(n *node, out *fuse.EntryOut) {
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(remember)
	out.SetAttrTimeout(remember)
	q.attr(n, &out.Attr)
}

func (q *requests) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return status(q.d.look(func() syscall.Errno {
		id, ok := q.d.nodes[in.NodeId].live.names[name]
		if !ok {
			return syscall.ENOENT
		}
		q.entry(q.d.nodes[id], out)
		return 0
	}))
}

func (q *requests) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return status(q.d.look(func() syscall.Errno {
		out.SetTimeout(remember)
		q.attr(q.d.nodes[in.NodeId], &out.Attr)
		return 0
	}))
}

func (q *requests) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	answer := func(n *node) {
		out.SetTimeout(remember)
		q.attr(n, &out.Attr)
	}
	size, sized := in.GetSize()
	if !sized {
		return status(q.d.look(func() syscall.Errno {
			n := q.d.nodes[in.NodeId]
			if mode, ok := in.GetMode(); ok { // rights are durable at once: nothing here depends on them
				n.mode = n.mode&syscall.S_IFMT | mode&0o7777
			}
			answer(n)
			return 0
		}))
	}
	return q.change(Resize, in.NodeId, func(n *node) syscall.Errno {
		q.d.resize(n, int64(size)) //nolint:gosec // the kernel's sizes are not above
		answer(n)
		return 0
	})
}

// change carries out a request that changes one file or folder.
func (q *requests) change(kind Kind, id uint64, do func(*node) syscall.Errno) fuse.Status {
	return status(q.d.change(kind,
		func() string { return q.d.nodes[id].name },
		func() syscall.Errno { return do(q.d.nodes[id]) }))
}

func (q *requests) named(kind Kind, folder uint64, name string, do func(folder *node) syscall.Errno) fuse.Status {
	return status(q.d.change(kind,
		func() string { return name },
		func() syscall.Errno { return do(q.d.nodes[folder]) }))
}

func (q *requests) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return q.named(Make, in.NodeId, name, func(folder *node) syscall.Errno {
		q.entry(q.d.mknode(folder, name, syscall.S_IFDIR|in.Mode&0o7777), out)
		return 0
	})
}

func (q *requests) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return q.named(Make, in.NodeId, name, func(folder *node) syscall.Errno {
		q.entry(q.d.mknode(folder, name, syscall.S_IFREG|in.Mode&0o7777), &out.EntryOut)
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE
		return 0
	})
}

// Mknod is asked for sockets; their messages do not come by here.
func (q *requests) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return q.named(Make, in.NodeId, name, func(folder *node) syscall.Errno {
		q.entry(q.d.mknode(folder, name, in.Mode), out)
		return 0
	})
}

func (q *requests) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return q.named(Remove, in.NodeId, name, func(folder *node) syscall.Errno {
		if _, ok := folder.live.names[name]; !ok {
			return syscall.ENOENT
		}
		q.d.remove(folder, name)
		return 0
	})
}

func (q *requests) Rmdir(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	var filled bool
	errno := q.d.look(func() syscall.Errno {
		id, ok := q.d.nodes[in.NodeId].live.names[name]
		if !ok {
			return syscall.ENOENT
		}
		filled = len(q.d.nodes[id].live.names) > 0
		return 0
	})
	switch {
	case errno != 0:
		return status(errno)
	case filled:
		return status(syscall.ENOTEMPTY)
	}
	return q.Unlink(cancel, in, name)
}

func (q *requests) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	if in.Flags != 0 {
		return fuse.EINVAL
	}
	return q.named(Rename, in.NodeId, from, func(folder *node) syscall.Errno {
		q.d.rename(folder, from, q.d.nodes[in.Newdir], to)
		return 0
	})
}

func (q *requests) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	if in.Flags&syscall.O_TRUNC == 0 {
		return status(q.d.look(func() syscall.Errno { return 0 }))
	}
	return q.change(Resize, in.NodeId, func(n *node) syscall.Errno {
		q.d.resize(n, 0)
		return 0
	})
}

func (q *requests) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (result fuse.ReadResult, _ fuse.Status) {
	errno := q.d.look(func() syscall.Errno {
		if errno := q.d.fails(Op{Read, q.d.nodes[in.NodeId].name}); errno != 0 {
			return errno
		}
		n := q.d.nodes[in.NodeId].live.read(buf, int64(in.Offset)) //nolint:gosec // as above
		result = fuse.ReadResultData(buf[:n])
		return 0
	})
	return result, status(errno)
}

func (q *requests) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	answer := q.change(Write, in.NodeId, func(n *node) syscall.Errno {
		q.d.write(n, data, int64(in.Offset)) //nolint:gosec // as above
		return 0
	})
	return uint32(len(data)), answer //nolint:gosec // at most MaxWrite
}

func (q *requests) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, fuse.ENOSYS
}

func (q *requests) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return q.change(Sync, in.NodeId, func(n *node) syscall.Errno {
		q.d.sync(n)
		return 0
	})
}

func (q *requests) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return q.Fsync(cancel, in)
}

func (q *requests) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (q *requests) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.OK }

func (q *requests) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return status(q.d.look(func() syscall.Errno {
		// The place in a folder is the number of the last file that was told: it stays right when others are removed.
		ids := make(map[uint64]string)
		for name, id := range q.d.nodes[in.NodeId].live.names {
			ids[id] = name
		}
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			if id > in.Offset && !out.AddDirEntry(fuse.DirEntry{Name: ids[id], Ino: id, Mode: q.d.nodes[id].mode, Off: id}) {
				break
			}
		}
		return 0
	}))
}

func (q *requests) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const blocks = 4 << 30 / block
	*out = fuse.StatfsOut{Blocks: blocks, Bfree: blocks, Bavail: blocks, Bsize: block, Frsize: block, NameLen: 255, Files: 1 << 20, Ffree: 1 << 20}
	return fuse.OK
}
