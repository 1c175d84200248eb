#include "encoder.hpp"

#include <algorithm>
#include <cmath>

namespace encoder {
namespace {

/// Each row of `values`: mean 0 and variance 1, then the layer's own scale and shift.
void normalise(const matrix& values, const layer_norm& how, float epsilon) {
  const auto width = static_cast<float>(values.columns());
  for (std::size_t r = 0; r < values.rows(); ++r) {
    float mean = 0, variance = 0;
    for (std::size_t c = 0; c < values.columns(); ++c)
      mean += values(r, c);
    mean /= width;
    for (std::size_t c = 0; c < values.columns(); ++c)
      variance += (values(r, c) - mean) * (values(r, c) - mean);
    const float unit = 1.0f / std::sqrt(variance / width + epsilon);
    for (std::size_t c = 0; c < values.columns(); ++c)
      values(r, c) = (values(r, c) - mean) * unit * how.weight[c] + how.bias[c];
  }
}

void softmax(std::span<float> scores) {
  const float largest = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (float& each : scores)
    sum += each = std::exp(each - largest);
  for (float& each : scores)
    each /= sum;
}

/// Sixteen partial sums: one chain of additions would wait for each of them.
float dot(const float* a, const float* b, std::size_t count) {
  float parts[16] = {};
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (std::size_t j = 0; j < 16; ++j)
      parts[j] += a[i + j] * b[i + j];
  for (; i < count; ++i)
    parts[i % 16] += a[i] * b[i];
  float sum = 0;
  for (const float each : parts)
    sum += each;
  return sum;
}

/// One head of one sentence: rows [first, end) of query, key and value, columns [column, column + size).
void attend(const matrix& out, const matrix& query, const matrix& key, const matrix& value, std::size_t first,
            std::size_t end, std::size_t column, std::size_t size, std::vector<float>& scores) {
  const float unit = 1.0f / std::sqrt(static_cast<float>(size));
  scores.resize(end - first);
  for (std::size_t r = first; r < end; ++r) {
    for (std::size_t k = first; k < end; ++k)
      scores[k - first] = unit * dot(&query(r, column), &key(k, column), size);
    softmax(scores);
    for (std::size_t c = column; c < column + size; ++c)
      out(r, c) = 0;
    for (std::size_t k = first; k < end; ++k)
      for (std::size_t c = column; c < column + size; ++c)
        out(r, c) += scores[k - first] * value(k, c);
  }
}

struct grid {
  std::vector<float> values;
  std::size_t rows, columns;
  grid(std::size_t row_count, std::size_t column_count)
      : values(row_count * column_count), rows(row_count), columns(column_count) {}
  matrix view() { return {values.data(), rows, columns}; }
};

}  // namespace

std::optional<network> network::make(const model& from, const scheme& how, std::string& problem) {
  network made;
  made.model_ = &from;
  const auto keep = [&](const dense_layer& each) {
    return how.make(const_matrix(each.weights.data(), each.rows, each.columns), each.bias, problem);
  };
  for (const model_layer& each : from.layers) {
    made.layers_.push_back(
        {keep(each.query), keep(each.key), keep(each.value), keep(each.attention_out), keep(each.up), keep(each.down)});
    const layer& last = made.layers_.back();
    if (!last.query || !last.key || !last.value || !last.attention_out || !last.up || !last.down)
      return std::nullopt;
  }
  return made;
}

std::size_t network::stored_bytes() const {
  std::size_t sum = 0;
  for (const layer& each : layers_)
    for (const auto* one : {&each.query, &each.key, &each.value, &each.attention_out, &each.up, &each.down})
      sum += (*one)->stored_bytes();
  return sum;
}

bool network::embed(std::span<const tokens> batch, fewbits::thread_pool& pool, std::vector<float>& vectors) const {
  const model& m = *model_;
  std::size_t rows = 0;
  for (const tokens& each : batch)
    rows += each.size();
  grid states(rows, m.width), query(rows, m.width), key(rows, m.width), value(rows, m.width), mixed(rows, m.width);
  const matrix x = states.view();
  std::size_t row = 0;
  for (const tokens& each : batch)
    for (std::size_t place = 0; place < each.size(); ++place, ++row)
      for (std::size_t c = 0; c < m.width; ++c)
        x(row, c) = m.words[each[place] * m.width + c] + m.places[place * m.width + c];
  normalise(x, m.after_embedding, m.epsilon);

  const auto add_to_states = [&](grid& part) {
    for (std::size_t i = 0; i < part.values.size(); ++i)
      states.values[i] += part.values[i];
  };
  std::vector<float> scores;
  const std::size_t size = m.width / m.heads;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const layer& each = layers_[l];
    if (!each.query->run(query.view(), x, after::nothing, pool) ||
        !each.key->run(key.view(), x, after::nothing, pool) || !each.value->run(value.view(), x, after::nothing, pool))
      return false;
    std::size_t first = 0;
    for (const tokens& sentence : batch) {
      for (std::size_t head = 0; head < m.heads; ++head)
        attend(mixed.view(), query.view(), key.view(), value.view(), first, first + sentence.size(), head * size, size,
               scores);
      first += sentence.size();
    }
    if (!each.attention_out->run(query.view(), mixed.view(), after::nothing, pool))
      return false;
    add_to_states(query);
    normalise(x, m.layers[l].after_attention, m.epsilon);

    grid inner(rows, m.layers[l].up.rows);
    if (!each.up->run(inner.view(), x, after::gelu, pool) ||
        !each.down->run(mixed.view(), inner.view(), after::nothing, pool))
      return false;
    add_to_states(mixed);
    normalise(x, m.layers[l].after_mlp, m.epsilon);
  }

  vectors.assign(batch.size() * m.width, 0.0f);
  row = 0;
  for (std::size_t s = 0; s < batch.size(); ++s) {
    const std::span<float> sum(vectors.data() + s * m.width, m.width);
    for (std::size_t i = 0; i < batch[s].size(); ++i, ++row)
      for (std::size_t c = 0; c < m.width; ++c)
        sum[c] += x(row, c);
    float power = 0;  // the mean's divisor drops out of the direction
    for (const float each : sum)
      power += each * each;
    for (float& each : sum)
      each /= (std::max)(std::sqrt(power), 1e-12f);
  }
  return true;
}

}  // namespace encoder
