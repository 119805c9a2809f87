# The same calls in Ruby (3.1 or newer), with its standard library alone: ruby client.rb
require "json"
require "net/http"

ADDRESS = ENV.fetch("LOSSAPI_ADDRESS", "http://127.0.0.1:8000")

# What was wrong with a request: the service's own words, and where each of the errors is.
class Refused < StandardError
  attr_reader :errors

  def initialize(problem)
    super(problem[:detail])
    @errors = problem[:errors]
  end
end

def post(path, body, type = "application/json")
  reply = Net::HTTP.post(URI(ADDRESS + path), body, "Content-Type" => type)
  answer = JSON.parse(reply.body, symbolize_names: true)
  raise Refused, answer unless reply.is_a?(Net::HTTPSuccess)

  answer
end

def ask(path, **request) = post(path, request.to_json)

Tensor = Struct.new(:dtype, :shape, :bytes)

def float32(shape, numbers) = Tensor.new("F32", shape, numbers.pack("e*"))
def int64(shape, numbers) = Tensor.new("I64", shape, numbers.pack("q<*"))

# A JSON header behind its length, then the tensors' bytes: no number is printed or parsed.
def safetensors(tensors, **parameters)
  data = "".b
  header = tensors.transform_values do |tensor|
    offsets = [data.bytesize, (data << tensor.bytes).bytesize]
    { dtype: tensor.dtype, shape: tensor.shape, data_offsets: offsets }
  end
  header[:__metadata__] = parameters.transform_values(&:to_json)
  text = header.to_json
  [text.bytesize, text, data].pack("Q<a*a*")
end

def cross_entropy(**tensors)
  post("/v1/losses/cross_entropy", safetensors(tensors, from_logits: true), "application/vnd.safetensors")
end

def show(name, value, expected)
  abort "#{name}: expected #{expected}, got #{value}" unless (value - expected).abs < 1e-6
  puts "#{name} #{value}"
end

huber = ask("/v1/losses/huber", prediction: [0, 3], target: [0, 0], delta: 1)
show "huber", huber[:value], 1.25

logits = float32([2, 3], [2, 1, 0.1, 0.5, 2.5, 0.2])
show "cross_entropy", cross_entropy(prediction: logits, target: int64([2], [0, 1]))[:value], 0.314291

begin
  cross_entropy(prediction: logits, target: int64([2], [0, 7]))
  abort "label 7 of 3 classes: expected to be refused"
rescue Refused => refused
  wrong = refused.errors.first
  abort "label 7 of 3 classes: expected at /target/1, got #{wrong}" unless wrong[:pointer] == "/target/1"
  puts "at #{wrong[:pointer]}: expected #{wrong[:expected]}, got #{wrong[:got]}"
end

def r2(pairs, **asked)
  ask("/v1/metrics/r2", prediction: pairs.map(&:first), target: pairs.map(&:last), **asked)
end

# R² in shards, the last too short for a value of its own: their states, merged, give the whole's.
pairs = [[2.5, 3], [0, -0.5], [2, 2], [8, 7]]
states = pairs.each_slice(3).map { |shard| r2(shard, return: ["state"])[:state] }
whole = r2(pairs)[:value]
show "r2", whole, 0.9486081
show "r2, merged", ask("/v1/states/merge", states:)[:value], whole
