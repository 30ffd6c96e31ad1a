#include "io/journal_records.hpp"

#include <variant>

namespace plenum::io {
namespace {

using Payload = std::span<std::byte const>;

constexpr std::uint64_t least_text = 8;

void put(FieldWriter& to, Shape const& shape) {
    to.number<std::uint64_t>(shape.size());
    for (auto const extent : shape) to.number(extent);
}

Shape take_shape(FieldReader& from) {
    Shape shape(from.count(sizeof(std::uint64_t)));
    for (auto& extent : shape) extent = from.number<std::uint64_t>();
    return shape;
}

ElementType take_type(FieldReader& from) {
    auto const type = from.number<std::uint8_t>();
    if (type > static_cast<std::uint8_t>(ElementType::f64)) throw FieldError();
    return static_cast<ElementType>(type);
}

void put(FieldWriter& to, Attribute const& attribute) {
    to.text(attribute.name).number<std::uint8_t>(static_cast<std::uint8_t>(attribute.value.index()));
    if (auto const* const text = std::get_if<std::string>(&attribute.value))
        to.text(*text);
    else if (auto const* const real = std::get_if<double>(&attribute.value))
        to.number(*real);
    else
        to.number(std::get<std::int64_t>(attribute.value));
}

Attribute take_attribute(FieldReader& from) {
    Attribute attribute{.name = from.text()};
    switch (from.number<std::uint8_t>()) {
        case 0:
            attribute.value = from.number<std::int64_t>();
            return attribute;
        case 1:
            attribute.value = from.number<double>();
            return attribute;
        case 2:
            attribute.value = from.text();
            return attribute;
        default:
            throw FieldError();
    }
}

void put(FieldWriter& to, Scale const& scale) {
    to.number<std::uint64_t>(scale.dimension).text(scale.name).text(scale.units);
    to.number<std::uint64_t>(scale.values.size()).bytes(std::as_bytes(std::span(scale.values)));
}

Scale take_scale(FieldReader& from) {
    Scale scale{
        .dimension = from.number<std::uint64_t>(), .name = from.text(), .values = {}, .units = from.text()};
    scale.values.resize(from.count(sizeof(double)));
    for (auto& value : scale.values) value = from.number<double>();
    return scale;
}

void put(FieldWriter& to, MapSpec const& spec) {
    to.text(spec.name).number(spec.tasks).number(static_cast<std::uint8_t>(spec.type));
    to.number<std::uint8_t>(spec.fixed ? 1 : 0);
    put(to, spec.shape);
    to.number<std::uint64_t>(spec.dimensions.size());
    for (auto const& name : spec.dimensions) to.text(name);
    to.text(spec.units).number<std::int64_t>(spec.version);
    to.number<std::uint64_t>(spec.scales.size());
    for (auto const& scale : spec.scales) put(to, scale);
    to.number<std::uint64_t>(spec.attributes.size());
    for (auto const& attribute : spec.attributes) put(to, attribute);
    to.number(spec.items_crc).number<std::uint64_t>(spec.arrays.size());
    for (auto const& array : spec.arrays) to.number(array.bytes).number(array.crc);
}

MapSpec take_spec(FieldReader& from) {
    MapSpec spec;
    spec.name = from.text();
    spec.tasks = from.number<std::uint64_t>();
    spec.type = take_type(from);
    spec.fixed = from.number<std::uint8_t>() != 0;
    spec.shape = take_shape(from);
    spec.dimensions.resize(from.count(least_text));
    for (auto& name : spec.dimensions) name = from.text();
    spec.units = from.text();
    spec.version = static_cast<int>(from.number<std::int64_t>());
    spec.scales.resize(from.count(4 * least_text));
    for (auto& scale : spec.scales) scale = take_scale(from);
    spec.attributes.resize(from.count(least_text + 1));
    for (auto& attribute : spec.attributes) attribute = take_attribute(from);
    spec.items_crc = from.number<std::uint32_t>();
    spec.arrays.resize(from.count(12));
    for (auto& array : spec.arrays) {
        array.bytes = from.number<std::uint64_t>();
        array.crc = from.number<std::uint32_t>();
    }
    return spec;
}

}  // namespace

FieldWriter encode(RunIdentity const& identity) {
    FieldWriter to;
    to.text(identity.job).number(identity.seed).text(identity.build).text(identity.command_line);
    to.number<std::uint64_t>(identity.options.size());
    for (auto const& option : identity.options)
        to.text(option.name).text(option.value).number<std::uint8_t>(option.given ? 1 : 0);
    return to;
}

RunIdentity decode_identity(Payload payload) {
    FieldReader from(payload);
    RunIdentity identity{.job = from.text(),
                         .options = {},
                         .seed = from.number<std::uint64_t>(),
                         .build = from.text(),
                         .command_line = from.text()};
    identity.options.resize(from.count(2 * least_text + 1));
    for (auto& option : identity.options) {
        option.name = from.text();
        option.value = from.text();
        option.given = from.number<std::uint8_t>() != 0;
    }
    from.expect_end();
    return identity;
}

FieldWriter encode(RunRecord const& run) {
    FieldWriter to;
    to.number(run.unix_seconds).text(run.host).text(run.build).text(run.command_line);
    to.number<std::uint64_t>(run.hosts.size());
    for (auto const& host : run.hosts) to.text(host);
    return to;
}

RunRecord decode_run(Payload payload) {
    FieldReader from(payload);
    RunRecord run{.unix_seconds = from.number<std::int64_t>(),
                  .host = from.text(),
                  .build = from.text(),
                  .command_line = from.text()};
    run.hosts.resize(from.count(least_text));
    for (auto& host : run.hosts) host = from.text();
    from.expect_end();
    return run;
}

FieldWriter encode(std::vector<RecordedOption> const& options) {
    FieldWriter to;
    to.number<std::uint64_t>(options.size());
    for (auto const& option : options) to.text(option.name).text(option.value);
    return to;
}

std::vector<RecordedOption> decode_options(Payload payload) {
    FieldReader from(payload);
    std::vector<RecordedOption> options(from.count(2 * least_text));
    for (auto& option : options) {
        option.name = from.text();
        option.value = from.text();
    }
    from.expect_end();
    return options;
}

FieldWriter encode(MapRecord const& map) {
    FieldWriter to;
    put(to, map.spec);
    to.number(map.result_bytes).number(map.offset);
    return to;
}

MapRecord decode_map(Payload payload) {
    FieldReader from(payload);
    MapRecord map;
    map.spec = take_spec(from);
    map.result_bytes = from.number<std::uint64_t>();
    map.offset = from.number<std::uint64_t>();
    from.expect_end();
    return map;
}

FieldWriter encode(ArrayRecord const& array) {
    FieldWriter to;
    to.text(array.path).number(static_cast<std::uint8_t>(array.type));
    put(to, array.shape);
    to.number(array.crc).number(array.offset).number(array.maps);
    return to;
}

ArrayRecord decode_array(Payload payload) {
    FieldReader from(payload);
    ArrayRecord array{.path = from.text(),
                      .type = take_type(from),
                      .shape = take_shape(from),
                      .crc = from.number<std::uint32_t>(),
                      .offset = from.number<std::uint64_t>(),
                      .maps = from.number<std::uint32_t>()};
    from.expect_end();
    return array;
}

FieldWriter encode(Undo const& undo) {
    FieldWriter to;
    to.number(undo.file_bytes).number<std::uint64_t>(undo.parts.size());
    for (auto const& part : undo.parts)
        to.number(part.offset).number<std::uint64_t>(part.bytes.size()).bytes(part.bytes);
    return to;
}

Undo decode_undo(Payload payload) {
    FieldReader from(payload);
    Undo undo{.file_bytes = from.number<std::uint64_t>(), .parts = {}};
    undo.parts.resize(from.count(16));
    for (auto& part : undo.parts) {
        part.offset = from.number<std::uint64_t>();
        auto const bytes = from.bytes(from.number<std::uint64_t>());
        if (part.offset > undo.file_bytes || bytes.size() > undo.file_bytes - part.offset) throw FieldError();
        part.bytes.assign(bytes.begin(), bytes.end());
    }
    from.expect_end();
    return undo;
}

FieldWriter encode(LayoutRecord const& layout) {
    FieldWriter to;
    to.number(layout.file_bytes).number(layout.crc);
    return to;
}

LayoutRecord decode_layout(Payload payload) {
    FieldReader from(payload);
    LayoutRecord const layout{.file_bytes = from.number<std::uint64_t>(),
                              .crc = from.number<std::uint32_t>()};
    from.expect_end();
    return layout;
}

FieldWriter encode(ResultsRecord const& results) {
    FieldWriter to;
    to.number(results.map).number<std::uint64_t>(results.segments.size());
    for (auto const& segment : results.segments)
        to.number(segment.first).number(segment.count).number(segment.crc);
    return to;
}

ResultsRecord decode_results(Payload payload) {
    FieldReader from(payload);
    ResultsRecord results{.map = from.number<std::uint32_t>(), .segments = {}};
    results.segments.resize(from.count(20));
    for (auto& segment : results.segments) {
        segment.first = from.number<std::uint64_t>();
        segment.count = from.number<std::uint64_t>();
        segment.crc = from.number<std::uint32_t>();
    }
    from.expect_end();
    return results;
}

FieldWriter encode(RaggedHead const& head) {
    FieldWriter to;
    to.number(head.map).number(head.first).number(head.count);
    return to;
}

RaggedHead decode_ragged(Payload payload) {
    FieldReader from(payload);
    return {.map = from.number<std::uint32_t>(),
            .first = from.number<std::uint64_t>(),
            .count = from.number<std::uint64_t>()};
}

FieldWriter encode(TimingHead const& head) {
    FieldWriter to;
    to.number(head.map).number(head.process);
    return to;
}

TimingHead decode_timing(Payload payload) {
    FieldReader from(payload);
    return {.map = from.number<std::uint32_t>(), .process = from.number<std::uint32_t>()};
}

FieldWriter encode(FailureRecord const& record) {
    FieldWriter to;
    to.number(record.map).number(record.failure.task).number<std::int32_t>(record.failure.attempt);
    to.number<std::int32_t>(record.failure.rank).number(static_cast<std::uint8_t>(record.failure.cause));
    to.text(record.failure.message).number(static_cast<std::uint8_t>(record.failure.retried));
    return to;
}

FailureRecord decode_failure(Payload payload) {
    FieldReader from(payload);
    FailureRecord record{.map = from.number<std::uint32_t>()};
    record.failure.task = from.number<std::uint64_t>();
    record.failure.attempt = from.number<std::int32_t>();
    record.failure.rank = from.number<std::int32_t>();
    record.failure.cause = static_cast<FailureCause>(from.number<std::uint8_t>());
    record.failure.message = from.text();
    record.failure.retried = from.number<std::uint8_t>() != 0;
    from.expect_end();
    return record;
}

FieldWriter encode(Printed const& printed) {
    FieldWriter to;
    to.number(printed.map).number(printed.first).number(printed.count).text(printed.text);
    return to;
}

Printed decode_printed(Payload payload) {
    FieldReader from(payload);
    Printed printed{.map = from.number<std::int32_t>(),
                    .first = from.number<std::uint64_t>(),
                    .count = from.number<std::uint64_t>(),
                    .text = from.text()};
    from.expect_end();
    return printed;
}

}  // namespace plenum::io
