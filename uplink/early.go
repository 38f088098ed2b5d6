package uplink

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// errEarly is a success for what was not sent.
var errEarly = errors.New("it confirmed before it had the whole request, which is no confirmation")

// countBody counts what the transport has taken of the body of a request; when it begins anew, so does the count. What the other
// side has got was taken before.
func countBody(req *http.Request) *atomic.Int64 {
	read := new(atomic.Int64)
	if req.Body == nil {
		return read
	}
	req.Body = &countedBody{req.Body, read}
	if open := req.GetBody; open != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := open()
			if err != nil {
				return nil, err
			}
			read.Store(0)
			return &countedBody{body, read}, nil
		}
	}
	return read
}

type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}
