package localapi

import (
	"context"
	"io"
	"net/http"
)

// Inside asks a handler in this process.
func Inside(handler http.Handler) *Client {
	return &Client{&http.Client{Transport: inside{handler}}}
}

// inside is a transport that calls the handler in a goroutine and streams what it writes. As with a socket, the handler's
// context ends when the caller closes the body or its own context ends; unlike there, Close waits for the handler.
type inside struct{ handler http.Handler }

func (i inside) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	r, w := io.Pipe()
	body := &insideBody{PipeReader: r, cancel: cancel, ended: make(chan struct{})}
	answer := &insideWriter{pipe: w, header: make(http.Header), began: make(chan struct{})}
	// Neither waits for the other beyond the end of the context: the reader for a line, the handler for a reader.
	stop := context.AfterFunc(req.Context(), func() { _ = w.CloseWithError(req.Context().Err()) })
	go func() {
		defer close(body.ended)
		defer stop()
		i.handler.ServeHTTP(answer, req.WithContext(ctx))
		answer.WriteHeader(http.StatusOK)
		_ = w.CloseWithError(ctx.Err())
	}()
	select {
	case <-answer.began:
	case <-ctx.Done():
		_ = body.Close()
		return nil, ctx.Err()
	}
	return &http.Response{
		Status: http.StatusText(answer.status), StatusCode: answer.status, Header: answer.sent, Body: body, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

// insideBody is what the handler writes.
type insideBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	ended  chan struct{} // the handler has
}

func (b *insideBody) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.ended
	return err
}

type insideWriter struct {
	pipe   *io.PipeWriter
	header http.Header
	// began is closed when status and sent are set.
	began  chan struct{}
	status int
	sent   http.Header
}

func (w *insideWriter) Header() http.Header { return w.header }
func (w *insideWriter) Flush()              {}

func (w *insideWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	}
}

func (w *insideWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(b)
}
