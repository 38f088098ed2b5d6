package web

import (
	"net"
	"sync"
)

// boundListener lets so many connections in at a time; the next one is accepted when one has ended.
type boundListener struct {
	net.Listener
	seats  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func bound(l net.Listener, most int) net.Listener {
	return &boundListener{Listener: l, seats: make(chan struct{}, most), closed: make(chan struct{})}
}

func (b *boundListener) Accept() (net.Conn, error) {
	select {
	case b.seats <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.seats
		return nil, err
	}
	return &seatedConn{Conn: conn, leave: sync.OnceFunc(func() { <-b.seats })}, nil
}

func (b *boundListener) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// seatedConn gives its seat to another when it is closed.
type seatedConn struct {
	net.Conn
	leave func()
}

func (c *seatedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
