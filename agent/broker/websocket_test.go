package broker

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestWebSocketIsAStream(t *testing.T) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.Close() }()
		_, heard, err := ws.ReadMessage()
		if err != nil {
			return
		}
		for _, piece := range []string{"\xd0", "", "\x00\x30\x04", string(heard)} { // packets and messages need not agree
			if ws.WriteMessage(websocket.BinaryMessage, []byte(piece)) != nil {
				return
			}
		}
	}))
	defer server.Close()
	a := Address{URL: "ws://" + strings.TrimPrefix(server.URL, "http://")}
	conn, err := a.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("\x00\x01ax")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 8)
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if want := "\xd0\x00\x30\x04\x00\x01ax"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := conn.Read(got); err == nil || errors.Is(err, io.ErrNoProgress) {
		t.Errorf("after the end: %v", err)
	}
}
