"""Apache Spark: `prep` on a cluster, and files of dicomprep as DataFrames. Needs PySpark 4 (`pip install dicomprep[spark]`).

>>> import dicomprep.spark
>>> packed = dicomprep.spark.prep(spark, "final_data", "final_data.h5", shards=64)      # doctest: +SKIP
>>> dicomprep.spark.register(spark)                                                     # doctest: +SKIP
>>> spark.read.format("dicomprep").load("final_data.h5").groupBy("split").count()       # doctest: +SKIP
"""

from dicomprep.spark._prep import Packed, prep
from dicomprep.spark._source import DicomprepDataSource, register

__all__ = ["DicomprepDataSource", "Packed", "prep", "register"]
