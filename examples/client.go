// The same calls in Go (1.18 or newer), with its standard library alone: go run client.go
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"net/http"
	"os"
	"time"
)

var (
	address = "http://127.0.0.1:8000"
	client  = http.Client{Timeout: time.Minute}
)

type object = map[string]any

// Answer is a reply. A value that is not finite comes as text ("NaN"), an error here; a state is kept as it came.
type Answer struct {
	Value float64
	State json.RawMessage
}

// Fault is what was wrong with a request: the service's own words, and where each of the errors is.
type Fault struct {
	Status int
	Detail string
	Errors []struct{ Pointer, Expected, Got string }
}

func (fault *Fault) Error() string { return fault.Detail }

// post sends a body and reads the reply; a refusal is a *Fault.
func post(path, mediaType string, body []byte) (answer Answer, err error) {
	reply, err := client.Post(address+path, mediaType, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	defer reply.Body.Close()
	read := json.NewDecoder(reply.Body)
	if reply.StatusCode != http.StatusOK {
		fault := &Fault{Status: reply.StatusCode, Detail: reply.Status}
		read.Decode(fault) // a proxy's page says nothing more, and leaves the status
		return answer, fault
	}
	err = read.Decode(&answer)
	return answer, err
}

// ask posts a request as JSON.
func ask(path string, request object) (Answer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return Answer{}, err
	}
	return post(path, "application/json", body)
}

// Tensor is numbers of a dtype: []float32 for F32, []int64 for I64.
type Tensor struct {
	Dtype string
	Shape []int
	Data  any
}

// safetensors is a JSON header behind its length, then the tensors' bytes: no number is printed or parsed.
// Parameters are texts of JSON.
func safetensors(tensors map[string]Tensor, parameters map[string]string) ([]byte, error) {
	var body, data bytes.Buffer
	header := object{"__metadata__": parameters}
	for name, tensor := range tensors {
		begin := data.Len()
		if err := binary.Write(&data, binary.LittleEndian, tensor.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		offsets := []int{begin, data.Len()}
		header[name] = object{"dtype": tensor.Dtype, "shape": tensor.Shape, "data_offsets": offsets}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	binary.Write(&body, binary.LittleEndian, uint64(len(text)))
	body.Write(text)
	data.WriteTo(&body)
	return body.Bytes(), nil
}

// crossEntropy sends two rows of logits, and a label for each, as raw bytes.
func crossEntropy(logits []float32, labels []int64) (Answer, error) {
	tensors := map[string]Tensor{
		"prediction": {"F32", []int{2, 3}, logits},
		"target":     {"I64", []int{2}, labels},
	}
	body, err := safetensors(tensors, map[string]string{"from_logits": "true"})
	if err != nil {
		return Answer{}, err
	}
	return post("/v1/losses/cross_entropy", "application/vnd.safetensors", body)
}

func must[T any](made T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return made
}

func show(name string, value, expected float64) {
	if !(math.Abs(value-expected) < 1e-6) { // said so that NaN is wrong too
		log.Fatalf("%s: expected %v, got %v", name, expected, value)
	}
	fmt.Println(name, value)
}

func main() {
	log.SetFlags(0)
	if given := os.Getenv("LOSSAPI_ADDRESS"); given != "" {
		address = given
	}

	pair := object{"prediction": []float64{0, 3}, "target": []float64{0, 0}, "delta": 1}
	show("huber", must(ask("/v1/losses/huber", pair)).Value, 1.25)

	logits := []float32{2, 1, 0.1, 0.5, 2.5, 0.2}
	show("cross_entropy", must(crossEntropy(logits, []int64{0, 1})).Value, 0.314291)

	var fault *Fault
	_, err := crossEntropy(logits, []int64{0, 7})
	if !errors.As(err, &fault) || len(fault.Errors) != 1 || fault.Errors[0].Pointer != "/target/1" {
		log.Fatalf("label 7 of 3 classes: expected an error at /target/1, got %v", err)
	}
	wrong := fault.Errors[0]
	fmt.Printf("%d at %s: expected %s, got %s\n", fault.Status, wrong.Pointer, wrong.Expected, wrong.Got)

	// F1 in shards, as on two machines. The mean of their values is not the whole's; their states, merged, are.
	prediction := []int{1, 1, 0, 1, 0, 0, 1, 1}
	target := []int{1, 0, 0, 1, 1, 0, 1, 1}
	f1 := func(begin, end int) Answer {
		return must(ask("/v1/metrics/f1", object{
			"prediction": prediction[begin:end],
			"target":     target[begin:end],
			"return":     []string{"value", "state"},
		}))
	}
	one, two, whole := f1(0, 3), f1(3, 8), f1(0, 8)
	merged := must(ask("/v1/states/merge", object{"states": []json.RawMessage{one.State, two.State}}))
	show("f1 of three rows", one.Value, 2.0/3)
	show("f1 of five rows", two.Value, 6.0/7)
	show("f1 of both, merged", merged.Value, 0.8)
	if merged.Value != whole.Value || !bytes.Equal(merged.State, whole.State) {
		log.Fatalf("expected the whole, %v %s, got %v %s", whole.Value, whole.State, merged.Value, merged.State)
	}
}
