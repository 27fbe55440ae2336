"""TensorFlow's protobuf messages, without TensorFlow.

``import tensorflow`` costs seconds and half a gigabyte in every process; the messages in its files
need none of it.  The schema below names just the fields we read or write, in a descriptor pool of
our own: it can neither clash with TensorFlow's when both are in one process, nor see a change of
its modules.  Fields we do not name survive a round trip as unknown fields.

Two liberties keep large graphs cheap.  They do not change the wire format:

- a map is written as what it is on the wire, a list of key/value entries, so order is kept and the
  same message gives the same bytes;
- attributes of a node stay serialized until somebody asks: ``NodeDef.attr`` holds the bytes of each
  entry (`attr_entry` makes one), ``AttrEntry.value`` those of the value.

Field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape,types,
versions,function,op_def,variable}.proto, tensorflow/core/protobuf/{meta_graph,saver,saved_model,
saved_object_graph,tensor_bundle,trackable_object_graph,struct}.proto,
tensorflow/core/util/saved_tensor_slice.proto, as of TensorFlow 2.21.
"""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, text_format

_PACKAGE = "zoo"

# "name:number:type"; after the type "*" for repeated, "!" for a member of the message's oneof.
# A type that is no scalar is a message, but for four that depend on who parses: "attr" and "entry" are
# bytes in binary and AttrValue and AttrEntry in text, "dtype" an int32 in binary and an enum
# (``DT_FLOAT``) in text, "enum" an int32 in binary and passed over in text, where it is written in
# words that nobody here reads.
_SCHEMA = {
    "VersionDef": "producer:1:int32 min_consumer:2:int32 bad_consumers:3:int32*",
    "Dim": "size:1:int64 name:2:string",
    "TensorShapeProto": "dim:2:Dim* unknown_rank:3:bool",
    "TensorProto": (
        "dtype:1:dtype tensor_shape:2:TensorShapeProto version_number:3:int32 "
        "tensor_content:4:bytes half_val:13:int32* float_val:5:float* double_val:6:double* "
        "int_val:7:int32* string_val:8:bytes* scomplex_val:9:float* int64_val:10:int64* "
        "bool_val:11:bool* dcomplex_val:12:double* uint32_val:16:uint32* uint64_val:17:uint64* "
        "float8_val:18:bytes"
    ),
    "ListValue": (
        "s:2:bytes* i:3:int64* f:4:float* b:5:bool* type:6:dtype* shape:7:TensorShapeProto* "
        "tensor:8:TensorProto* func:9:NameAttrList*"
    ),
    "NameAttrList": "name:1:string attr:2:AttrEntry*",
    "AttrValue": (
        "s:2:bytes! i:3:int64! f:4:float! b:5:bool! type:6:dtype! shape:7:TensorShapeProto! "
        "tensor:8:TensorProto! list:1:ListValue! func:10:NameAttrList! placeholder:9:string!"
    ),
    "AttrEntry": "key:1:string value:2:attr",
    "NodeDef": "name:1:string op:2:string input:3:string* device:4:string attr:5:entry*",
    "GraphDef": ("node:1:NodeDef* versions:4:VersionDef version:3:int32 library:2:FunctionDefLibrary"),
    "ArgDef": (
        "name:1:string description:2:string type:3:dtype type_attr:4:string number_attr:5:string "
        "type_list_attr:6:string is_ref:16:bool"
    ),
    "OpDef": (
        "name:1:string input_arg:2:ArgDef* output_arg:3:ArgDef* summary:5:string "
        "is_stateful:17:bool control_output:20:string*"
    ),
    "StringEntry": "key:1:string value:2:string",
    "FunctionDef": (
        "signature:1:OpDef attr:5:AttrEntry* node_def:3:NodeDef* ret:4:StringEntry* "
        "control_ret:6:StringEntry*"
    ),
    "GradientDef": "function_name:1:string gradient_func:2:string",
    "FunctionDefLibrary": "function:1:FunctionDef* gradient:2:GradientDef*",
    "CooSparse": (
        "values_tensor_name:1:string indices_tensor_name:2:string dense_shape_tensor_name:3:string"
    ),
    "CompositeTensor": "components:2:TensorInfo*",
    "TensorInfo": (
        "name:1:string coo_sparse:4:CooSparse composite_tensor:5:CompositeTensor dtype:2:dtype "
        "tensor_shape:3:TensorShapeProto"
    ),
    "TensorInfoEntry": "key:1:string value:2:TensorInfo",
    "SignatureDef": "inputs:1:TensorInfoEntry* outputs:2:TensorInfoEntry* method_name:3:string",
    "SignatureEntry": "key:1:string value:2:SignatureDef",
    "SaverDef": (
        "filename_tensor_name:1:string save_tensor_name:2:string restore_op_name:3:string "
        "max_to_keep:4:int32 sharded:5:bool version:7:enum"
    ),
    "NodeList": "value:1:string*",
    "BytesList": "value:1:bytes*",
    "Int64List": "value:1:int64*",
    "FloatList": "value:1:float*",
    "AnyProto": "type_url:1:string value:2:bytes",
    "AnyList": "value:1:AnyProto*",
    "CollectionDef": (
        "node_list:1:NodeList! bytes_list:2:BytesList! int64_list:3:Int64List! "
        "float_list:4:FloatList! any_list:5:AnyList!"
    ),
    "CollectionEntry": "key:1:string value:2:CollectionDef",
    "MetaInfoDef": (
        "meta_graph_version:1:string any_info:3:AnyProto tags:4:string* "
        "tensorflow_version:5:string tensorflow_git_version:6:string stripped_default_attrs:7:bool"
    ),
    "AssetFileDef": "tensor_info:1:TensorInfo filename:2:string",
    "MetaGraphDef": (
        "meta_info_def:1:MetaInfoDef graph_def:2:GraphDef saver_def:3:SaverDef "
        "collection_def:4:CollectionEntry* signature_def:5:SignatureEntry* "
        "asset_file_def:6:AssetFileDef* object_graph_def:7:SavedObjectGraph"
    ),
    "SavedModel": "saved_model_schema_version:1:int64 meta_graphs:2:MetaGraphDef*",
    "ObjectReference": "node_id:1:int32 local_name:2:string",
    "SlotVariableReference": (
        "original_variable_node_id:1:int32 slot_name:2:string slot_variable_node_id:3:int32"
    ),
    "SerializedTensor": "name:1:string full_name:2:string checkpoint_key:3:string",
    "TrackableObject": (
        "children:1:ObjectReference* attributes:2:SerializedTensor* slot_variables:3:SlotVariableReference*"
    ),
    "TrackableObjectGraph": "nodes:1:TrackableObject*",
    "SavedUserObject": "identifier:1:string version:2:VersionDef metadata:3:string",
    "SavedAsset": "asset_file_def_index:1:int32",
    "SavedVariable": (
        "dtype:1:dtype shape:2:TensorShapeProto trainable:3:bool synchronization:4:enum "
        "aggregation:5:enum name:6:string device:7:string"
    ),
    "SavedConstant": "operation:1:string",
    "SavedResource": "device:1:string",
    # A ListValue has the form of a TupleValue, and the item of a map that of a PairValue.
    "PairValue": "key:1:string value:2:StructuredValue",
    "TupleValue": "values:1:StructuredValue*",
    "DictValue": "fields:1:PairValue*",
    "NamedTupleValue": "name:1:string values:2:PairValue*",
    "NoneValue": "",
    "TypeSpecProto": "",
    "StructuredValue": (
        "none_value:1:NoneValue! type_spec_value:34:TypeSpecProto! bool_value:14:bool! "
        "list_value:51:TupleValue! tuple_value:52:TupleValue! dict_value:53:DictValue! "
        "named_tuple_value:54:NamedTupleValue!"
    ),
    "SavedFunction": "concrete_functions:1:string*",
    "SavedBareConcreteFunction": "concrete_function_name:1:string",
    "SavedConcreteFunction": (
        "bound_inputs:2:int32* canonicalized_input_signature:3:StructuredValue "
        "output_signature:4:StructuredValue"
    ),
    "SavedConcreteFunctionEntry": "key:1:string value:2:SavedConcreteFunction",
    "CapturedTensor": "name:1:string concrete_function:2:string",
    "SavedObject": (
        "children:1:ObjectReference* slot_variables:3:SlotVariableReference* "
        "user_object:4:SavedUserObject! asset:5:SavedAsset! variable:7:SavedVariable! "
        "function:6:SavedFunction! bare_concrete_function:8:SavedBareConcreteFunction! "
        "constant:9:SavedConstant! resource:10:SavedResource! captured_tensor:12:CapturedTensor! "
        "registered_name:13:string"
    ),
    "SavedObjectGraph": "nodes:1:SavedObject* concrete_functions:2:SavedConcreteFunctionEntry*",
    "SaveSliceInfoDef": ("full_name:1:string full_shape:2:int64* var_offset:3:int64* var_shape:4:int64*"),
    "VariableDef": (
        "variable_name:1:string initial_value_name:6:string initializer_name:2:string "
        "snapshot_name:3:string save_slice_info_def:4:SaveSliceInfoDef is_resource:5:bool "
        "trainable:7:bool"
    ),
    "Extent": "start:1:int64 length:2:int64!",
    "TensorSliceProto": "extent:1:Extent*",
    "BundleHeaderProto": "num_shards:1:int32 endianness:2:int32 version:3:VersionDef",
    "BundleEntryProto": (
        "dtype:1:dtype shape:2:TensorShapeProto shard_id:3:int32 offset:4:int64 size:5:int64 "
        "crc32c:6:fixed32 slices:7:TensorSliceProto*"
    ),
    "SavedSliceMeta": ("name:1:string shape:2:TensorShapeProto type:3:dtype slice:4:TensorSliceProto*"),
    "SavedTensorSliceMeta": "tensor:1:SavedSliceMeta* versions:2:VersionDef",
    # "data" is a TensorProto; left as bytes, a large payload is not parsed before it is wanted.
    "SavedSlice": "name:1:string slice:2:TensorSliceProto data:3:bytes",
    "SavedTensorSlices": "meta:1:SavedTensorSliceMeta data:2:SavedSlice",
    # tensorflow/contrib/session_bundle/manifest.proto: the signatures of TensorFlow before 1.0
    "TensorBinding": "tensor_name:1:string",
    "TensorBindingEntry": "key:1:string value:2:TensorBinding",
    "RegressionSignature": "input:1:TensorBinding output:2:TensorBinding",
    "ClassificationSignature": "input:1:TensorBinding classes:2:TensorBinding scores:3:TensorBinding",
    "GenericSignature": "map:1:TensorBindingEntry*",
    "LegacySignature": (
        "regression_signature:1:RegressionSignature! "
        "classification_signature:2:ClassificationSignature! generic_signature:3:GenericSignature!"
    ),
    "LegacySignatureEntry": "key:1:string value:2:LegacySignature",
    "LegacySignatures": "default_signature:1:LegacySignature named_signatures:2:LegacySignatureEntry*",
}

# tensorflow/core/framework/types.proto; a ref type is the type plus 100.
DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string",
    8: "complex64", 9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32",
    14: "bfloat16", 15: "qint16", 16: "quint16", 17: "uint16", 18: "complex128", 19: "float16",
    20: "resource", 21: "variant", 22: "uint32", 23: "uint64", 24: "float8_e5m2",
    25: "float8_e4m3fn", 29: "int4", 30: "uint4",
}  # fmt: skip
DTYPE_NUMBERS = {name: number for number, name in DTYPES.items()}

# What the text format calls them, where that is not DT_ and the name in capitals.
_TEXT_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}

_SCALARS = (
    "int32", "int64", "uint32", "uint64", "fixed32", "float", "double", "bool", "string", "bytes"
)  # fmt: skip


def _pool(*, text: bool) -> descriptor_pool.DescriptorPool:
    """The schema as a descriptor pool, for the binary or for the text format."""
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="zoo.proto", package=_PACKAGE, syntax="proto3")
    if text:
        enum = file.enum_type.add(name="DataType")
        enum.value.add(name="DT_INVALID", number=0)
        for number, name in DTYPES.items():
            label = f"DT_{_TEXT_NAMES.get(name, name.upper())}"
            enum.value.add(name=label, number=number)
            enum.value.add(name=f"{label}_REF", number=number + 100)
    for name, fields in _SCHEMA.items():
        entry = file.message_type.add(name=name)
        for spec in fields.split():
            label, number_text, kind = spec.split(":")
            if kind == "enum":
                if text:
                    continue
                kind = "int32"
            field = entry.field.add(name=label, number=int(number_text), label=types.LABEL_OPTIONAL)
            if kind.endswith("*"):
                field.label = types.LABEL_REPEATED
            if kind.endswith("!"):
                if not entry.oneof_decl:
                    entry.oneof_decl.add(name="kind")
                field.oneof_index = 0
            kind = kind.rstrip("*!")
            if kind == "attr":
                kind = "AttrValue" if text else "bytes"
            if kind == "entry":
                kind = "AttrEntry" if text else "bytes"
            if kind == "dtype":
                kind = "DataType" if text else "int32"
            if kind in _SCALARS:
                field.type = types.Type.Value(f"TYPE_{kind.upper()}")
            else:
                field.type = types.TYPE_ENUM if kind == "DataType" else types.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_BINARY = _pool(text=False)


def _message(name: str, pool: descriptor_pool.DescriptorPool = _BINARY) -> Any:
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def parse_text(name: str, text: str) -> Any:
    """The message ``name`` (``GraphDef``, ``MetaGraphDef``, ``SavedModel``) from its text format.

    Fields that the schema does not name are passed over.

    Raises:
        ParseError: it is not the text form of that message.
    """
    # A text file of some other message parses as anything once unknown fields are passed over,
    # so the caller has to check that it got nodes.
    parsed = text_format.Parse(text, _message(name, _text_pool())(), allow_unknown_field=True)
    return _message(name).FromString(parsed.SerializeToString(deterministic=True))


@functools.cache
def _text_pool() -> descriptor_pool.DescriptorPool:
    return _pool(text=True)


AttrValue = _message("AttrValue")
AttrEntry = _message("AttrEntry")
BundleEntryProto = _message("BundleEntryProto")
BundleHeaderProto = _message("BundleHeaderProto")
FunctionDef = _message("FunctionDef")
FunctionDefLibrary = _message("FunctionDefLibrary")
GraphDef = _message("GraphDef")
LegacySignatures = _message("LegacySignatures")
MetaGraphDef = _message("MetaGraphDef")
NameAttrList = _message("NameAttrList")
NodeDef = _message("NodeDef")
SavedModel = _message("SavedModel")
SavedObjectGraph = _message("SavedObjectGraph")
SavedSlice = _message("SavedSlice")
SavedTensorSlices = _message("SavedTensorSlices")
SavedTensorSliceMeta = _message("SavedTensorSliceMeta")
SignatureDef = _message("SignatureDef")
TensorInfo = _message("TensorInfo")
TensorProto = _message("TensorProto")
TensorShapeProto = _message("TensorShapeProto")
TensorSliceProto = _message("TensorSliceProto")
TrackableObjectGraph = _message("TrackableObjectGraph")
VariableDef = _message("VariableDef")
VersionDef = _message("VersionDef")

DecodeError = message.DecodeError
ParseError = text_format.ParseError

# Bytes an element takes in a tensor's content; strings, resources and variants have no fixed size.
DTYPE_SIZES = {
    "float32": 4, "float64": 8, "int32": 4, "uint8": 1, "int16": 2, "int8": 1, "complex64": 8,
    "int64": 8, "bool": 1, "qint8": 1, "quint8": 1, "qint32": 4, "bfloat16": 2, "qint16": 2,
    "quint16": 2, "uint16": 2, "complex128": 16, "float16": 2, "uint32": 4, "uint64": 8,
    "float8_e5m2": 1, "float8_e4m3fn": 1, "int4": 1, "uint4": 1,
}  # fmt: skip

Shape = tuple[int | None, ...] | None
"""A static shape: None for an unknown size, None as a whole for an unknown rank."""


def dtype_name(number: int) -> str:
    """The name of a DataType; a ref type gets its base type's name (``float32`` for 101)."""
    return DTYPES.get(number % 100, f"dtype {number}")


def shape_of(proto: Any) -> Shape:
    """The static shape in a TensorShapeProto."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else int(dim.size) for dim in proto.dim)


def attr_entry(key: str, value: bytes) -> bytes:
    """An item of ``NodeDef.attr``: the attribute ``key``, ``value`` being a serialized AttrValue."""
    entry: bytes = AttrEntry(key=key, value=value).SerializeToString()
    return entry


def attr_entries(node: Any) -> dict[str, bytes]:
    """The attributes of a NodeDef message by key: serialized AttrValues."""
    return {entry.key: entry.value for entry in map(AttrEntry.FromString, node.attr)}


def shape_proto(shape: Shape) -> Any:
    """The TensorShapeProto of a static shape."""
    proto = TensorShapeProto(unknown_rank=shape is None)
    for size in shape or ():
        proto.dim.add(size=-1 if size is None else size)
    return proto
