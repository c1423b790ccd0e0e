// SPDX-License-Identifier: GPL-2.0-only

package actions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// File is something that a run left behind, to be fetched.
type File struct {
	Name string // "OWNER/REPO#ID/logs.zip"; what follows the run comes from whoever wrote the workflow

	session *session
	address string // below that of the API
}

// What is in memory of a file: some blocks of it, or all of it where the server does
// not give parts.
const (
	blockLen  = 4 << 20
	maxBlocks = 4
	maxWhole  = 32 << 20
)

// Open begins to fetch a file. It is an error if the server gives no parts of it and
// it is larger than 32 MiB.
func (f *File) Open(ctx context.Context) (*Content, error) {
	c := &Content{ctx: ctx, file: f}
	c.mu.Lock() // as in ReadAt
	defer c.mu.Unlock()
	if err := c.locate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Content is what is in a file on a server. Parts of it can be read by several
// goroutines. It need not be closed.
type Content struct {
	ctx  context.Context
	file *File

	mu     sync.Mutex
	size   int64
	signed string // where it is for now
	whole  bool   // blocks is all of it
	blocks []block
}

// block is a part of a file.
type block struct {
	off  int64
	data []byte
}

// Size is how large the file is, in bytes.
func (c *Content) Size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// ReadAt reads a part of the file.
func (c *Content) ReadAt(p []byte, off int64) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(p) {
		if off < 0 || off >= c.size {
			return n, io.EOF
		}
		b, err := c.block(off)
		if err != nil {
			return n, err
		}
		m := copy(p[n:], b.data[off-b.off:])
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// block is that which has a byte of the file.
func (c *Content) block(off int64) (block, error) {
	has := func(b block) bool { return off >= b.off && off < b.off+int64(len(b.data)) }
	if i := slices.IndexFunc(c.blocks, has); i >= 0 {
		b := c.blocks[i]
		c.blocks = append(slices.Delete(c.blocks, i, i+1), b) // the last one was used last
		return b, nil
	}
	if c.whole {
		return block{}, io.ErrUnexpectedEOF
	}
	data, err := c.fetch(off / blockLen * blockLen)
	if err != nil {
		return block{}, err
	}
	b := block{off / blockLen * blockLen, data}
	if c.blocks = append(c.blocks, b); len(c.blocks) > maxBlocks {
		c.blocks = slices.Delete(c.blocks, 0, 1)
	}
	return b, nil
}

// locate asks where the file is. The answer holds for minutes only.
func (c *Content) locate() error {
	resp, err := c.file.session.rest.RequestWithContext(c.ctx, http.MethodGet, c.file.address, nil)
	if err != nil {
		return explained(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Accept-Ranges") == "bytes" && resp.ContentLength >= 0 {
		if c.signed != "" && c.size != resp.ContentLength {
			return errors.New("has changed while it was read")
		}
		c.signed, c.size = resp.Request.URL.String(), resp.ContentLength
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxWhole+1))
	if err != nil {
		return err
	}
	if len(data) > maxWhole {
		return fmt.Errorf("is larger than %d MiB, and the server gives no parts of it; download it first", maxWhole>>20)
	}
	c.whole, c.size, c.blocks = true, int64(len(data)), []block{{0, data}}
	return nil
}

// fetch fetches a block, from where the file is then if its address has expired.
func (c *Content) fetch(off int64) ([]byte, error) {
	data, err := c.part(off)
	var answer *answerError
	if !errors.As(err, &answer) || !slices.Contains([]int{http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound, http.StatusGone}, answer.status) {
		return data, err
	}
	if err := c.locate(); err != nil {
		return nil, err
	}
	return c.part(off)
}

// maxCuts is how many times the transfer of one block may break off.
const maxCuts = 5

// part fetches a block. A transfer that breaks off goes on where it did.
func (c *Content) part(off int64) ([]byte, error) {
	want := min(blockLen, c.size-off)
	data := make([]byte, 0, want)
	for cut := 0; ; cut++ {
		more, err := c.span(off+int64(len(data)), off+want-1)
		data = append(data, more...)
		var answer *answerError
		switch {
		case int64(len(data)) == want:
			return data, nil
		case errors.As(err, &answer), c.ctx.Err() != nil, cut == maxCuts:
			return nil, err
		}
	}
}

// span fetches the bytes from first to last, or those before it breaks off.
func (c *Content) span(first, last int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.signed, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, last))
	resp, err := c.file.session.plain.Do(req)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		return nil, &answerError{resp.StatusCode, "the server gives no part of it"}
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(first, 10)+"-") {
		return nil, &answerError{resp.StatusCode, "the server gives another part of it than was asked for"}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, last-first+1))
	if err == nil && int64(len(data)) <= last-first {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}
